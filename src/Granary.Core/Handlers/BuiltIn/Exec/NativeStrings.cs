using System.Runtime.InteropServices;
using System.Text;

namespace Granary;

/// <summary>Strings for one system call, in one block of native memory that is freed at the end.</summary>
internal sealed class NativeStrings : IDisposable
{
    private readonly List<nint> _blocks = [];

    /// <summary>One string, zero-terminated.</summary>
    public nint Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        nint block = Zeroed(bytes.Length + 1);
        Marshal.Copy(bytes, 0, block, bytes.Length);
        return block;
    }

    /// <summary>
    /// An array of pointers to strings, ended by a null pointer; the strings follow in the same block.
    /// </summary>
    public nint Array(IReadOnlyCollection<string> texts)
    {
        int pointers = (texts.Count + 1) * nint.Size;
        byte[] bytes = Encoding.UTF8.GetBytes(string.Join('\0', texts) + '\0');
        nint block = Zeroed(pointers + bytes.Length);
        nint next = block + pointers;
        Marshal.Copy(bytes, 0, next, bytes.Length);
        int at = 0;
        foreach (string text in texts)
        {
            Marshal.WriteIntPtr(block, at++ * nint.Size, next);
            next += Encoding.UTF8.GetByteCount(text) + 1;
        }
        Marshal.WriteIntPtr(block, at * nint.Size, 0);
        return block;
    }

    /// <summary>Zeroed memory, for structures that the system fills.</summary>
    public nint Zeroed(int bytes)
    {
        nint block = Marshal.AllocHGlobal(bytes);
        _blocks.Add(block);
        Marshal.Copy(new byte[bytes], 0, block, bytes);
        return block;
    }

    public void Dispose() => _blocks.ForEach(Marshal.FreeHGlobal);
}
