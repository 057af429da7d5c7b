using Granary.Embedded;
using Granary.Engines;
using Granary.Persistence;
using Granary.Simulation.Checks;
using Granary.Simulation.Worlds;
using Granary.Stores;

namespace Granary.Simulation.Clients;

/// <summary>When everything has ended: reads all of it once more, by an engine and without one.</summary>
internal sealed class FinalCheck(World world, Population all)
{
    public async Task RunAsync()
    {
        await foreach (string problem in StoreVerifier.VerifyAsync(new DiskReader(world.Disk)))
            world.History.Violate("F7", problem);
        foreach (JobHistory job in world.History.Jobs)
        {
            if (world.History.Violation is not null) return;
            if (job.Id is { } id) await CheckAsync(job, id);
            else if (job.Audit is { IsLive: true } orphan) await WaitAsync(orphan.Job);
        }
    }

    // Submitted without an answer, and so nobody asks for it: it ends all the same.
    private async Task WaitAsync(JobId orphan)
    {
        while (world.Disk.Load(orphan) is { Phase: JobPhase.Live })
        {
            JobSummary summary = JobCodec.ReadSummary(orphan, world.Disk.Load(orphan)!.Summary);
            if (summary.Paused) return;
            await all.PauseAsync();
        }
    }

    private async Task CheckAsync(JobHistory job, JobId id)
    {
        CompletionPage page = await all.InsistAsync((e, stop) => e.ReadCompletionsAsync(
            id, 0, 10_000, TimeSpan.Zero, stop));
        job.Show(0, page);
        if (!page.Ended) job.Violate("I7", "had ended, and has not now");
        IReadOnlyList<Outcome?> outcomes = await all.InsistAsync((e, stop) => e.ReadOutcomesAsync(id, 0, 10_000, stop));
        job.Show(0, outcomes);
        JobStatus status = await all.InsistAsync((e, stop) => e.GetStatusAsync(id, stop));
        await all.InsistAsync((e, stop) => CountAsync(e, id, stop));
        if (outcomes.Count != status.ItemCount)
            job.Violate("Q1", $"has {status.ItemCount} items and {outcomes.Count} outcomes");
        for (int i = 0; i < outcomes.Count; i++)
            if (outcomes[i] is null) job.Violate("I7", $"has ended, and item {i} has no outcome");
        if (page.Outcomes.Count != status.CompletionCount)
            job.Violate("Q2", $"{page.Outcomes.Count} completions are shown of {status.CompletionCount}");
        CheckItems(job, page.Outcomes, outcomes, status);
        job.CheckCounts(status);
        await CompareAsync(job, id, outcomes);
    }

    // What an engine shows is what anybody reads from the disk.
    private async Task CompareAsync(JobHistory job, JobId id, IReadOnlyList<Outcome?> shown)
    {
        var disk = new DiskReader(world.Disk);
        JobReader reader = await JobLoader.LoadAsync(disk, world.Disk.Load(id)!, CancellationToken.None);
        IReadOnlyList<Outcome?> read =
            await reader.ReadOutcomesAsync(0, reader.OrdinalsOf(0, shown.Count), CancellationToken.None);
        for (int i = 0; i < shown.Count; i++)
            if (read[i] is not { } outcome || !JobHistory.Same(outcome, shown[i]!))
                job.Violate("Q1",
                    $"item {i} is shown as {JobHistory.Text(shown[i]!)}, and the disk has something else");
    }

    private static void CheckItems(
        JobHistory job, IReadOnlyList<Outcome> completions, IReadOnlyList<Outcome?> outcomes, JobStatus status)
    {
        var latest = new Dictionary<int, int>();
        foreach (Outcome completion in completions)
        {
            if (latest.ContainsKey(completion.Index) && job.RetriesAsked == 0)
                job.Violate("I2", $"item {completion.Index} was completed twice, and nobody retried");
            latest[completion.Index] = completion.Sequence;
        }
        foreach (Outcome? outcome in outcomes)
            if (outcome is not null && latest.GetValueOrDefault(outcome.Index) != outcome.Sequence)
                job.Violate("Q1",
                    $"item {outcome.Index} is shown with completion {outcome.Sequence}, which is not its last");
        int known = job.Plan.Items.Count, possible = known;
        foreach (Appending append in job.Appends)
        {
            if (append.Receipt is not null) known += append.Items.Count;
            if (!append.IsRefused) possible += append.Items.Count;
        }
        if (status.ItemCount < known || status.ItemCount > possible)
            job.Violate("S3", $"has {status.ItemCount} items; {known} to {possible} were submitted and appended");
    }

    private static async Task<int> CountAsync(EmbeddedEngine engine, JobId job, CancellationToken stop)
    {
        int count = 0;
        await foreach (TimelineSpan _ in engine.ReadTimelineAsync(job, stop)) count++;
        return count;
    }
}
