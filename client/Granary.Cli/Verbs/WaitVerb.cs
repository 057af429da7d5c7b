using System.CommandLine;
using System.Text.Json;
using Granary.Engines;

namespace Granary.Cli;

/// <summary><c>granary wait</c>: waits for the first outcome, the first failure or all, and says what is done and
/// pending.</summary>
internal static class WaitVerb
{
    private const int PageSize = 100;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private sealed record Answer(string Until, bool Reached, Outcome? Outcome, JobStatus Job);

    public static Command Create(StandardError error)
    {
        Argument<string> name = Options.Job();
        var until = new Option<string>("--until")
        {
            Description = "first, first-exception or all. Default all.", HelpName = "WHAT", DefaultValueFactory =
                _ => "all",
        };
        until.AcceptOnlyFromAmong("first", "first-exception", "all");
        Option<TimeSpan?> timeout =
            Options.Duration("--timeout", "The longest to wait; cancels nothing. Default: no limit.");
        Option<bool> json = Options.Json("an object");
        var command =
            new Command("wait", "Waits for a job's first outcome, its first failure, or all.") { name, until, timeout,
            json };
        return Verb.Reading(command, error, async verb =>
        {
            JobStatus job = await verb.JobAsync(verb.Parsed.GetRequiredValue(name));
            await verb.WarnIfIdleAsync(job);
            Answer answer =
                await WaitAsync(verb, job.Id, verb.Parsed.GetRequiredValue(until), verb.Parsed.GetValue(timeout));
            if (verb.Parsed.GetValue(json)) Report.Line(answer, Write);
            else Print(answer);
            return Code(answer);
        });
    }

    private static async Task<Answer> WaitAsync(VerbContext verb, JobId job, string until, TimeSpan? timeout)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(verb.Cancellation);
        if (timeout is { } time) limit.CancelAfter(time);
        try
        {
            (bool reached, Outcome? outcome) = await SearchAsync(verb.Engine, job, until, limit.Token);
            return new Answer(until, reached, outcome, await verb.Engine.GetStatusAsync(job, verb.Cancellation));
        }
        catch (OperationCanceledException) when (!verb.Cancellation.IsCancellationRequested)
        {
            return new Answer(until, false, null, await verb.Engine.GetStatusAsync(job, verb.Cancellation));
        }
    }

    private static async Task<(bool Reached, Outcome? Outcome)> SearchAsync(
        IJobEngine engine, JobId job, string until, CancellationToken cancellation)
    {
        int after = until == "all" ? (await engine.GetStatusAsync(job, cancellation)).CompletionCount : 0;
        while (true)
        {
            CompletionPage page = await engine.ReadCompletionsAsync(job, after, PageSize, s_patience, cancellation);
            Outcome? found = until == "all" ? null
                : page.Outcomes.FirstOrDefault(outcome => until == "first" || outcome.State == JobState.Failed);
            if (found is not null) return (true, found);
            if (page.Ended) return (true, null);
            if (page.Outcomes.Count > 0) after = page.Outcomes[^1].Sequence;
        }
    }

    private static ExitCode Code(Answer answer) => answer switch
    {
        { Reached: false } => ExitCode.Interrupted,
        { Until: "all" } => Ends.Code(answer.Job),
        { Outcome.State: JobState.Failed or JobState.Canceled } => ExitCode.SomeFailed,
        _ => ExitCode.Ok,
    };

    private static void Print(Answer answer)
    {
        JobCounts counts = answer.Job.Counts;
        string what = answer.Reached ? "reached" : "timed out";
        Console.Out.WriteLine(
            $"{what}: {counts.Ended:N0} done, {counts.Total - counts.Ended:N0} pending ({answer.Job.State})");
        if (answer.Outcome is { } outcome) Report.Line(outcome, OutcomeJson.Write);
    }

    private static void Write(Utf8JsonWriter json, Answer answer)
    {
        JobCounts counts = answer.Job.Counts;
        json.WriteStartObject();
        json.WriteString("until"u8, answer.Until);
        json.WriteBoolean("reached"u8, answer.Reached);
        json.WriteNumber("done"u8, counts.Ended);
        json.WriteNumber("pending"u8, counts.Total - counts.Ended);
        json.WritePropertyName("outcome"u8);
        if (answer.Outcome is { } outcome) OutcomeJson.Write(json, outcome);
        else json.WriteNullValue();
        json.WritePropertyName("job"u8);
        StatusJson.Write(json, answer.Job);
        json.WriteEndObject();
    }
}
