using System.Text;

namespace Granary.Cli.Tests;

/// <summary>What counts as a line of input.</summary>
public sealed class LineReaderTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("a", "1:a")]
    [InlineData("a\n", "1:a")]
    [InlineData("a\nb", "1:a|2:b")]
    [InlineData("a\n\nb\n", "1:a|2:|3:b")]
    [InlineData("\n", "1:")]
    [InlineData("a\r\nb\r\n", "1:a|2:b")]
    [InlineData("\uFEFFa\nb", "1:a|2:b")]
    [InlineData("a b\t c \n", "1:a b\t c ")]
    [InlineData("日本\nü", "1:日本|2:ü")]
    public void Lines_are_items_as_with_xargs(string text, string expected)
    {
        Assert.Equal(expected, Read(new MemoryStream(Encoding.UTF8.GetBytes(text))));
        Assert.Equal(expected, Read(new Trickle(Encoding.UTF8.GetBytes(text))));
    }

    [Fact]
    public void A_line_that_is_not_UTF8_is_named()
    {
        byte[] text = [.. "ok\nsch\u00f6n "u8, 0xE4, .. "\n"u8];
        CliException fault = Assert.Throws<CliException>(() => Read(new MemoryStream(text)));
        Assert.Equal("list.txt:2:7: the line is not UTF-8", fault.Message);
    }

    [Fact]
    public void A_line_with_NUL_is_named()
    {
        CliException fault = Assert.Throws<CliException>(() => Read(new MemoryStream("a\0b\0"u8.ToArray())));
        Assert.Equal("list.txt:1:2: the line holds a NUL character", fault.Message);
        Assert.Equal("Items are separated by line ends, not by NUL.", fault.Hint);
    }

    [Fact]
    public void A_line_without_end_is_refused_without_reading_it_all()
    {
        var endless = new Endless("first\n"u8.ToArray(), 1_000_000_000);
        CliException fault = Assert.Throws<CliException>(() => Read(endless));
        Assert.Equal("list.txt:2:1: the line is longer than 1,024 KiB", fault.Message);
        Assert.InRange(endless.Position, 1, 10_000_000);
    }

    [Fact]
    public void Lines_longer_than_the_buffer_are_whole()
    {
        string longLine = new('x', 300_000);
        Assert.Equal($"1:a|2:{longLine}|3:b", Read(new MemoryStream(Encoding.UTF8.GetBytes($"a\n{longLine}\nb\n"))));
    }

    private static string Read(Stream stream) => string.Join('|',
        LineReader.Read(stream, "list.txt").Select(line => $"{line.Number}:{Encoding.UTF8.GetString(line.Text.Span)}"));
}
