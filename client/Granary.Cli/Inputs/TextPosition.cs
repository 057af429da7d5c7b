using System.Text;
using System.Text.Unicode;

namespace Granary.Cli;

/// <summary>A place in a text file, counted from 1; columns count characters (Unicode scalar values).</summary>
internal readonly record struct TextPosition(long Line, long Column);

/// <summary>Follows UTF-8 bytes and knows the line and column after them.</summary>
internal struct TextTracker()
{
    public long Line { get; private set; } = 1;

    /// <summary>Bytes since the start of the line.</summary>
    public long ByteInLine { get; private set; }

    private long _column = 1;

    public readonly TextPosition Position => new(Line, _column);

    public static TextTracker AtLine(long line) => new() { Line = line };

    public void Advance(ReadOnlySpan<byte> bytes)
    {
        int newLines = bytes.Count((byte)'\n');
        if (newLines > 0)
        {
            Line += newLines;
            ByteInLine = 0;
            _column = 1;
            bytes = bytes[(bytes.LastIndexOf((byte)'\n') + 1)..];
        }
        ByteInLine += bytes.Length;
        if (Ascii.IsValid(bytes))
        {
            _column += bytes.Length;
            return;
        }
        foreach (byte b in bytes)
            if ((b & 0xC0) != 0x80) _column++;
    }
}

/// <summary>Checks UTF-8 that arrives in pieces.</summary>
internal static class Utf8Check
{
    /// <summary>The offset of the first byte that is not UTF-8, or −1. A character cut off at the end is fine unless
    /// the bytes are the last; <paramref name="whole"/> says how many bytes need not be looked at again.</summary>
    public static int FirstInvalid(ReadOnlySpan<byte> bytes, bool last, out int whole)
    {
        whole = bytes.Length;
        if (Utf8.IsValid(bytes)) return -1;
        int at = 0;
        while (at < bytes.Length)
        {
            System.Buffers.OperationStatus status = Rune.DecodeFromUtf8(bytes[at..], out _, out int length);
            if (status == System.Buffers.OperationStatus.NeedMoreData && !last)
            {
                whole = at;
                return -1;
            }
            if (status != System.Buffers.OperationStatus.Done) return at;
            at += length;
        }
        return -1;
    }

    /// <summary>How to mend a file that is not UTF-8.</summary>
    public static string Hint(ReadOnlySpan<byte> start) => start switch
    {
        [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] =>
            "The file looks like UTF-16: save it as UTF-8, or convert it with iconv.",
        _ => "Save the file as UTF-8, or convert it with iconv.",
    };
}
