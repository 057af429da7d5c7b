using System.Text;
using Granary.Engines;

namespace Granary.Cli.Tests;

/// <summary>What is written for programs and for people.</summary>
public sealed class OutputTests
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 31, 9, 30, 0, 125, TimeSpan.Zero);

    [Fact]
    public void An_outcome_is_one_line_whatever_its_value_holds()
    {
        var outcome = new Outcome
        {
            Index = 7, Sequence = 1, State = JobState.Succeeded, Reason = Reason.None, Attempts = 2,
            Value = Encoding.UTF8.GetBytes("{\n \"a\": \"x\u007f\u009b1m \\n\"\r\n}"),
            StartedAt = s_start, Duration = TimeSpan.FromMilliseconds(1234.5),
        };
        string expected = """
            {"index":7,"state":"Succeeded","value":{"a":"x\u007f\u009b1m \n"},"attempts":2,
            "startedAt":"2026-01-31T09:30:00.125Z","duration":1.2345}
            """;
        Assert.Equal(OneLine(expected), Line(outcome));
    }

    [Fact]
    public void A_failure_has_its_error_and_reason()
    {
        var outcome = new Outcome
        {
            Index = 0, Sequence = 1, State = JobState.Failed, Reason = Reason.TimedOut, Attempts = 1, Place = "host:1",
            Error = new TaskError
            {
                Type = "ExitCode",
                Message = "it ended with 3\u001b[2J",
                Detail = "stack",
                Data = "{\"exitCode\":3}"u8.ToArray(),
            },
            StartedAt = s_start, Duration = TimeSpan.Zero,
        };
        string expected = """
            {"index":0,"state":"Failed","reason":"TimedOut",
            "error":{"type":"ExitCode","message":"it ended with 3\u001B[2J","data":{"exitCode":3}},
            "attempts":1,"startedAt":"2026-01-31T09:30:00.125Z","duration":0,"place":"host:1"}
            """;
        Assert.Equal(OneLine(expected), Line(outcome));
    }

    [Fact]
    public void Control_and_direction_characters_are_shown_as_escapes()
    {
        Assert.Equal("a\\u001b]0;x\\u0007\\nb\\u202etxt", Printable.Escape("a\u001b]0;x\u0007\nb\u202etxt"));
        Assert.Equal("日本 ü", Printable.Escape("日本 ü"));
        Assert.Equal("abc…", Printable.Cut("abcdef", 4));
    }

    [Fact]
    public void Progress_says_what_is_done_and_when_it_ends()
    {
        var counts = new JobCounts(Queued: 300, Running: 8, Waiting: 2, 0, Succeeded: 680, Failed: 10, 0);
        JobStatus status = Status(counts) with
        {
            Rate = 31.25,
            ExpectedEnd = s_start.AddSeconds(12),
        };
        Assert.Equal("690 of 1,000 done (69%), 10 failed, 8 running, 2 waiting, 31.3/s, ends in about 12.0s",
            ProgressView.Line(status, s_start));
        Assert.Equal(
            "[green]━━━━[/][red]━[/][grey]───[/]  69% 690/1,000  10 failed  8 running  2 waiting  31.3/s  ends in ab…",
            ProgressView.Bar(status, 78, "keys: + - p c", s_start));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(999, 1000)]
    public void Progress_is_100_percent_only_at_the_end(int done, int total)
    {
        JobStatus status = Status(new JobCounts(total - done, 0, 0, 0, done, 0, 0));
        Assert.Contains(total == 0 ? "(100%)" : "(99%)", ProgressView.Line(status, s_start), StringComparison.Ordinal);
    }

    [Fact]
    public void A_timeline_has_a_row_for_each_slot_and_lighter_ones_for_waits()
    {
        var gantt = new TextGantt(s_start, s_start.AddSeconds(10), 51, 32);
        gantt.Add(Span("0", 1, JobState.Succeeded, 0, 5));
        gantt.Add(Span("1", 1, JobState.Failed, 0, 2));
        gantt.Add(Span("1", 0, JobState.Waiting, 2, 6));
        gantt.Add(Span("2", 1, JobState.Succeeded, 2, 10));
        gantt.Add(Span("1", 2, JobState.Running, 6, null));
        Assert.Equal(
            """
            slot 1   |=0==================    >1>>>>>>>>>>>>>>|
            slot 2   |x1xxxxxx=2==============================|
            wait 1   |        .1..............                |
                     0                                   10.0s
            """.ReplaceLineEndings("\n"),
            string.Join('\n', gantt.Lines().Select(Spectre.Console.Markup.Remove)));
    }

    [Fact]
    public void An_svg_timeline_is_well_formed_and_escaped()
    {
        var text = new StringWriter();
        var svg = new SvgTimeline(text, s_start, s_start.AddSeconds(10));
        svg.Begin("a < b & \"c\"", 1, 1);
        svg.Add(Span("0", 1, JobState.Succeeded, 0, 5));
        svg.Add(Span("0", 0, JobState.Waiting, 5, null));
        svg.End();
        var xml = System.Xml.Linq.XDocument.Parse(text.ToString());
        string[] titles = xml.Descendants().Where(e => e.Name.LocalName == "title").Select(e => e.Value).ToArray();
        Assert.Equal(["0 echo, attempt 1: Succeeded, 5.00s", "0 waits 5.00s"], titles);
    }

    [Fact]
    public void An_svg_timeline_of_many_tasks_stays_small()
    {
        var text = new StringWriter();
        var svg = new SvgTimeline(text, s_start, s_start.AddSeconds(1000));
        svg.Begin("many", 1, 0);
        for (int i = 0; i < 100_000; i++) svg.Add(Span("0", 1, JobState.Succeeded, i / 100.0, (i + 1) / 100.0));
        svg.End();
        Assert.InRange(text.ToString().Length, 1000, 1_000_000);
    }

    private static TimelineSpan Span(string path, int attempt, JobState state, double from, double? to) => new(
        0, path, "echo", attempt, state, Reason.None,
        s_start.AddSeconds(from), to is { } end ? s_start.AddSeconds(end) : null);

    private static JobStatus Status(JobCounts counts) => new()
    {
        Id = new JobId(1),
        Spec = new JobSpec { Kind = JobKind.Batch },
        State = JobState.Running,
        Reason = Reason.Children,
        Counts = counts,
        ItemCount = counts.Total,
        CompletionCount = counts.Ended,
        MaxConcurrency = 8,
        Paused = false,
        Open = false,
        SubmittedAt = s_start,
    };

    private static string OneLine(string text) => text.ReplaceLineEndings("") + "\n";

    private static string Line(Outcome outcome)
    {
        var stream = new MemoryStream();
        using (var output = new LineOutput(stream)) output.Write(outcome, OutcomeJson.Write);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
