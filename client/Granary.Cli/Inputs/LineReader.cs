namespace Granary.Cli;

/// <summary>One line of input: its number from 1, and its text without the line end, valid until the next one is
/// read.</summary>
internal readonly record struct InputLine(long Number, ReadOnlyMemory<byte> Text);

/// <summary>
/// Reads lines as <c>xargs -d '\n'</c> does: each line end closes an item, an empty line is an empty item, and a last
/// line without an end counts. A carriage return before the end and a byte order mark are dropped. UTF-8 only.
/// </summary>
internal static class LineReader
{
    public static IEnumerable<InputLine> Read(Stream stream, string file)
    {
        byte[] buffer = new byte[1 << 16];
        int length = 0, start = 0;
        bool ended = false;
        long number = 1;
        while (true)
        {
            int end = buffer.AsSpan(start, length - start).IndexOf((byte)'\n');
            if (end < 0 && !ended)
            {
                (buffer, length, start) = (Room(buffer, start, length, file, number), length - start, 0);
                int read = stream.Read(buffer.AsSpan(length));
                ended = read == 0;
                length += read;
                continue;
            }
            if (end < 0 && start == length) yield break;
            ReadOnlyMemory<byte> line = buffer.AsMemory(start, end < 0 ? length - start : end);
            start += line.Length + (end < 0 ? 0 : 1);
            if (number == 1 && line.Span is [0xEF, 0xBB, 0xBF, ..]) line = line[3..];
            Check(line.Span, file, number);
            yield return new InputLine(number, line.Span is [.., (byte)'\r'] ? line[..^1] : line);
            number++;
        }
    }

    // Moves the unfinished line to the front of a buffer with room behind it.
    private static byte[] Room(byte[] buffer, int start, int length, string file, long number)
    {
        int kept = length - start;
        if (kept > JobDefaults.MaxArgumentBytes)
        {
            throw CliException.At(file, new TextPosition(number, 1),
                $"the line is longer than {JobDefaults.MaxArgumentBytes / 1024:N0} KiB",
                    "Put the data in a file and list its path.");
        }
        byte[] target = kept > buffer.Length / 2 ? new byte[buffer.Length * 2] : buffer;
        buffer.AsSpan(start, kept).CopyTo(target);
        return target;
    }

    private static void Check(ReadOnlySpan<byte> line, string file, long number)
    {
        int bad = Utf8Check.FirstInvalid(line, last: true, out _);
        int nul = line.IndexOf((byte)0);
        if (bad < 0 && nul < 0) return;
        var tracker = new TextTracker();
        tracker.Advance(line[..(bad >= 0 ? bad : nul)]);
        var position = new TextPosition(number, tracker.Position.Column);
        throw bad >= 0
            ? CliException.At(file, position, "the line is not UTF-8", Utf8Check.Hint(line))
            : CliException.At(file, position, "the line holds a NUL character",
                "Items are separated by line ends, not by NUL.");
    }
}
