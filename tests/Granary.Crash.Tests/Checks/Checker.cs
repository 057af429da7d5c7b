using Granary.Embedded;
using Granary.Embedded.Sqlite;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Crash.Tests;

/// <summary>Compares a store with what the victim was told. Each problem is a sentence.</summary>
internal static class Checker
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>Looks at a store as it was found, without running anything.</summary>
    public static async Task<List<string>> LookAsync(SqliteJobStore store, IReadOnlyList<Ack> acks)
    {
        List<string> problems = await DamageAsync(store);
        var engine = new ReadOnlyEngine(store);
        foreach (IGrouping<JobId, Ack> job in acks.GroupBy(ack => ack.Job))
            problems.AddRange(await CheckJobAsync(engine, job.Key, [.. job]));
        return problems;
    }

    /// <summary>Starts an engine on a store as it was found, lets everything end, and looks again.</summary>
    public static async Task<List<string>> FinishAsync(SqliteJobStore store, IReadOnlyList<Ack> acks)
    {
        List<string> problems = await LookAsync(store, acks);
        await using (EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, Story.Handlers(null)))
        {
            var granary = new GranaryClient(engine);
            foreach (string key in Story.ItemCounts.Keys)
                if (await granary.FindAsync(key) is { } job) problems.AddRange(await EndAsync(granary, key, job, acks));
        }
        // What was left paused was resumed, to come to its end.
        IEnumerable<Ack> resumed = acks.Where(ack => ack.Kind == AckKind.Paused)
            .Select(ack => ack with { Kind = AckKind.Resuming });
        problems.AddRange(await LookAsync(store, [.. acks, .. resumed]));
        return problems;
    }

    private static async Task<List<string>> DamageAsync(SqliteJobStore store)
    {
        List<string> problems = [.. await store.CheckAsync(CancellationToken.None)];
        await foreach (string problem in StoreVerifier.VerifyAsync(store)) problems.Add(problem);
        return problems;
    }

    private static async Task<List<string>> CheckJobAsync(ReadOnlyEngine engine, JobId job, List<Ack> acks)
    {
        var problems = new List<string>();
        string key = acks[0].Key;
        JobStatus status;
        try
        {
            status = await engine.GetStatusAsync(job);
        }
        catch (RefusedException)
        {
            return [$"{key}: lost with everything in it"];
        }
        if (await engine.FindAsync(key) != job && acks.Exists(ack => ack.Kind == AckKind.Submitted))
            problems.Add($"{key}: not found by its key");
        CheckSteering(key, status, acks, problems);
        await CheckCancelAsync(engine, key, status, acks, problems);
        await CheckOutcomesAsync(engine, key, status, acks, problems);
        return problems;
    }

    private static void CheckSteering(string key, JobStatus status, List<Ack> acks, List<string> problems)
    {
        foreach (Ack ack in acks)
        {
            if (ack.Kind == AckKind.Submitted && status.ItemCount < ack.First)
                problems.Add($"{key}: {ack.First} items submitted, {status.ItemCount} there");
            if (ack.Kind == AckKind.Appended && status.ItemCount < ack.First + ack.Second)
                problems.Add($"{key}: items up to {ack.First + ack.Second} appended, {status.ItemCount} there");
            if (ack.Kind == AckKind.Sealed && status.Open) problems.Add($"{key}: open again");
            if (ack.Kind == AckKind.Ended && status.CompletionCount < ack.First)
                problems.Add($"{key}: {ack.First} completions seen at its end, {status.CompletionCount} there");
            bool again = ack is { Kind: AckKind.Retried, Second: > 0 };
            if (again && status.State.IsEnd() && status.CompletionCount <= ack.First)
                problems.Add($"{key}: retry lost");
        }
        // What was asked for and not answered may have been done or not.
        Ack? pool = acks.FindLast(ack => ack.Kind is AckKind.Resizing or AckKind.Resized);
        if (pool is { Kind: AckKind.Resized } && status.MaxConcurrency != pool.First)
            problems.Add($"{key}: resized to {pool.First}, is {status.MaxConcurrency}");
        Ack? pause = acks.FindLast(ack => ack.Kind is >= AckKind.Pausing and <= AckKind.Resumed);
        if (pause is { Kind: AckKind.Paused } && !status.Paused) problems.Add($"{key}: pause lost");
        if (pause is { Kind: AckKind.Resumed } && status.Paused) problems.Add($"{key}: paused again");
    }

    private static async Task CheckCancelAsync(
        ReadOnlyEngine engine, string key, JobStatus status, List<Ack> acks, List<string> problems)
    {
        if (status.State.IsEnd() || !acks.Exists(ack => ack.Kind == AckKind.Canceled)) return;
        foreach (PendingTask task in await engine.ListPendingAsync(status.Id, -1, 1_000))
            if (task.State is not (JobState.Running or JobState.Canceling))
                problems.Add($"{key}: canceled, but {task.Path} is {task.State}");
    }

    private static async Task CheckOutcomesAsync(
        ReadOnlyEngine engine, string key, JobStatus status, List<Ack> acks, List<string> problems)
    {
        var log = new List<Outcome>();
        while (true)
        {
            CompletionPage page = await engine.ReadCompletionsAsync(status.Id, log.Count, 1_000, TimeSpan.Zero);
            if (page.Outcomes.Count == 0) break;
            log.AddRange(page.Outcomes);
        }
        if (log.Count != status.CompletionCount)
            problems.Add($"{key}: {status.CompletionCount} completions counted, {log.Count} there");
        foreach (Ack ack in acks.Where(ack => ack.Kind == AckKind.Shown))
        {
            string now = ack.First <= log.Count ? Ack.Render(log[ack.First - 1]) : "nothing";
            if (now != ack.Text) problems.Add($"{key}: shown '{ack.Text}', now '{now}'");
        }
        if (key != "chain") return;
        foreach (Ack ack in acks.Where(ack => ack.Kind == AckKind.Began && ack.First > 0))
            if (log.Count < ack.First) problems.Add($"{key}: step {ack.First} began, {log.Count} steps had ended");
    }

    private static async Task<List<string>> EndAsync(
        GranaryClient granary, string key, JobId job, IReadOnlyList<Ack> acks)
    {
        var problems = new List<string>();
        if (key != "chain")
        {
            BatchHandle<object> batch = granary.GetBatch<object>(job);
            await batch.SealAsync();
            if (!(await batch.StatusAsync()).State.IsEnd())
                await IgnoreEndedAsync(() => batch.ResumeAsync());
        }
        var outcomes = new List<Outcome>();
        using var patience = new CancellationTokenSource(s_patience);
        while (true)
        {
            CompletionPage page = await granary.Engine.ReadCompletionsAsync(
                job, outcomes.Count, 1_000, s_patience, patience.Token);
            outcomes.AddRange(page.Outcomes);
            if (page.Ended) break;
        }
        CheckCount(key, (await granary.Engine.GetStatusAsync(job)).ItemCount, acks, problems);
        // An item that was retried has a later completion, which counts.
        foreach (Outcome outcome in outcomes.GroupBy(o => o.Index).Select(item => item.Last()))
            CheckOutcome(key, outcome, problems);
        int repeats = outcomes.GroupBy(o => o.Index).Count(item => item.Count() > 1);
        bool retried = acks.Any(ack => ack.Key == key && ack.Kind is AckKind.Retrying or AckKind.Retried);
        if (repeats > 0 && !retried) problems.Add($"{key}: {repeats} outcomes recorded twice");
        return problems;
    }

    private static async Task IgnoreEndedAsync(Func<Task> command)
    {
        try
        {
            await command();
        }
        catch (RefusedException refused) when (refused.Refusal == Refusal.Ended)
        {
            // Nothing is left to resume.
        }
    }

    // All or nothing: a submit or an append that was cut off is there whole, or not at all.
    private static void CheckCount(string key, int count, IReadOnlyList<Ack> acks, List<string> problems)
    {
        bool whole = key == "open" && !acks.Any(ack => ack.Key == key && ack.Kind == AckKind.Sealed)
            ? count is 1 or 6 or 12
            : count == Story.ItemCounts[key];
        if (!whole) problems.Add($"{key}: {count} items of {Story.ItemCounts[key]}");
    }

    private static void CheckOutcome(string key, Outcome outcome, List<string> problems)
    {
        string value = System.Text.Encoding.UTF8.GetString(outcome.Value.Span);
        bool right = outcome.State switch
        {
            JobState.Succeeded => !Story.MayFail(key, outcome.Index)
                && value == Story.Expected(key, outcome.Index),
            JobState.Failed => Story.MayFail(key, outcome.Index)
                && outcome.Error!.Message == $"Not {outcome.Index}",
            _ => Story.MayBeCanceled(key),
        };
        if (!right) problems.Add($"{key}: wrong outcome {Ack.Render(outcome)}");
    }
}
