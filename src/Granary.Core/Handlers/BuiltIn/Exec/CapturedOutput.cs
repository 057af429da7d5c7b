using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Granary;

/// <summary>
/// What a program wrote: all of it up to a limit, then its first and its last half, with a mark that says how much is
/// missing.
/// </summary>
internal sealed class CapturedOutput(int limit)
{
    private readonly int _headLimit = limit / 2;
    private readonly int _tailLimit = limit - limit / 2;
    private byte[] _head = [];
    private int _headLength;
    private byte[] _tail = [];
    private long _tailWritten;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        int head = Math.Min(bytes.Length, _headLimit - _headLength);
        if (head > 0)
        {
            Grow(ref _head, _headLength + head, _headLimit);
            bytes[..head].CopyTo(_head.AsSpan(_headLength));
            _headLength += head;
            bytes = bytes[head..];
        }
        if (!bytes.IsEmpty) AppendTail(bytes);
    }

    public void WriteTo(Utf8JsonWriter json, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> head = _head.AsSpan(0, _headLength);
        if (_tailWritten == 0 && Utf8.IsValid(head)) json.WriteString(name, head);
        else json.WriteString(name, ToString());
    }

    /// <summary>The last line that is not blank, cut at 500 characters; empty when there is none.</summary>
    public string LastLine()
    {
        ReadOnlySpan<byte> end = _tailWritten == 0 ? _head.AsSpan(0, _headLength) : Tail();
        string text = Encoding.UTF8.GetString(end[Math.Max(0, end.Length - 4096)..]).TrimEnd();
        string line = text[(text.LastIndexOf('\n') + 1)..].Trim();
        return line.Length <= 500 ? line : line[..500] + "…";
    }

    /// <summary>The text; bytes that are no UTF-8 become U+FFFD.</summary>
    public override string ToString()
    {
        ReadOnlySpan<byte> head = _head.AsSpan(0, _headLength);
        if (_tailWritten == 0) return Encoding.UTF8.GetString(head);
        byte[] tail = Tail();
        long cut = _tailWritten - tail.Length;
        return cut == 0
            ? Encoding.UTF8.GetString([.. head, .. tail])
            : $"{Encoding.UTF8.GetString(head)}\n[… {cut:N0} bytes cut …]\n{Encoding.UTF8.GetString(tail)}";
    }

    // The tail is a ring once it is full.
    private void AppendTail(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _tailLimit)
        {
            _tailWritten += bytes.Length - _tailLimit;
            bytes = bytes[^_tailLimit..];
        }
        Grow(ref _tail, (int)Math.Min(_tailWritten + bytes.Length, _tailLimit), _tailLimit);
        int at = (int)(_tailWritten % _tailLimit);
        int first = Math.Min(bytes.Length, _tailLimit - at);
        bytes[..first].CopyTo(_tail.AsSpan(at));
        bytes[first..].CopyTo(_tail);
        _tailWritten += bytes.Length;
    }

    private byte[] Tail()
    {
        if (_tailWritten <= _tailLimit) return _tail[..(int)_tailWritten];
        int at = (int)(_tailWritten % _tailLimit);
        return [.. _tail.AsSpan(at, _tailLimit - at), .. _tail.AsSpan(0, at)];
    }

    private static void Grow(ref byte[] buffer, int needed, int limit)
    {
        if (buffer.Length < needed) Array.Resize(ref buffer, Math.Min(limit, Math.Max(needed, buffer.Length * 2)));
    }
}
