using Xunit;

namespace Granary.Core.Tests.Items;

public sealed class DurationTextTests
{
    [Theory]
    [InlineData("0s", 0)]
    [InlineData("250ms", 250)]
    [InlineData("0.5ms", 0.5)]
    [InlineData("1.5s", 1_500)]
    [InlineData("90s", 90_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData("1d2h3m4s5ms", 93_784_005)]
    [InlineData("10000d", 864_000_000_000)]
    public void Reads_what_people_write(string text, double milliseconds)
    {
        Assert.True(DurationText.TryParse(text, out TimeSpan duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("+1s")]
    [InlineData("1 s")]
    [InlineData(" 1s")]
    [InlineData("1S")]
    [InlineData("1s1m")]
    [InlineData("1s1s")]
    [InlineData(".5s")]
    [InlineData("1.s")]
    [InlineData("1.2.3s")]
    [InlineData("1,5s")]
    [InlineData("1e3s")]
    [InlineData("1w")]
    [InlineData("10001d")]
    [InlineData("99999999999999999999d")]
    [InlineData("999999999999999999999999999999d")]
    [InlineData("00:00:05")]
    [InlineData("infinite")]
    public void Refuses_everything_else(string text) => Assert.False(DurationText.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(250, "250ms")]
    [InlineData(0.0001, "0.0001ms")]
    [InlineData(1_500, "1.5s")]
    [InlineData(90_000, "1m30s")]
    [InlineData(90_250, "1m30.25s")]
    [InlineData(7_200_000, "2h")]
    [InlineData(604_800_000, "7d")]
    public void Writes_the_shortest_form_and_reads_it_back(double milliseconds, string text)
    {
        var duration = TimeSpan.FromMilliseconds(milliseconds);
        Assert.Equal(text, DurationText.Format(duration));
        Assert.True(DurationText.TryParse(text, out TimeSpan again));
        Assert.Equal(duration, again);
    }

    [Fact]
    public void A_negative_duration_cannot_be_written() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => DurationText.Format(Timeout.InfiniteTimeSpan));
}
