using System.Buffers;

namespace Granary.Cli;

/// <summary>Rewrites valid UTF-8 JSON text so that it fits on one line and cannot steer a terminal.</summary>
internal static class JsonText
{
    // Space and control characters in the text, and what begins DEL and the C1 controls (C2 80 to C2 9F).
    private static readonly SearchValues<byte> s_watched = SearchValues.Create([0x20, 0x09, 0x0D, 0x0A, 0x7F, 0xC2]);

    private static readonly SearchValues<byte> s_unsafe = SearchValues.Create([0x0D, 0x0A, 0x7F, 0xC2]);

    /// <summary>The same JSON without white space between tokens, and with DEL and C1 control characters
    /// escaped.</summary>
    public static ReadOnlyMemory<byte> Compact(ReadOnlyMemory<byte> json)
    {
        if (json.Span.IndexOfAny(s_watched) < 0) return json;
        var result = new ArrayBufferWriter<byte>(json.Length + 16);
        ReadOnlySpan<byte> rest = json.Span;
        bool inString = false;
        while (!rest.IsEmpty)
        {
            byte b = rest[0];
            int taken = 1;
            if (inString && b == '\\') result.Write(rest[..(taken = 2)]);
            else if (inString && b == 0x7F) WriteEscape(b, result);
            else if (inString && b == 0xC2 && rest[1] < 0xA0) WriteEscape(rest[(taken = 2) - 1], result);
            else if (inString
                || b is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')) result.Write(rest[..1]);
            if (b == '"') inString = !inString;
            rest = rest[taken..];
        }
        return result.WrittenMemory;
    }

    /// <summary>The same JSON on one line, safe for a terminal; other white space may stay.</summary>
    public static ReadOnlyMemory<byte> OneLine(ReadOnlyMemory<byte> json) =>
        json.Span.IndexOfAny(s_unsafe) < 0 ? json : Compact(json);

    private static void WriteEscape(byte c, ArrayBufferWriter<byte> result)
    {
        result.Write("\\u00"u8);
        result.Write([(byte)"0123456789abcdef"[c >> 4], (byte)"0123456789abcdef"[c & 15]]);
    }
}
