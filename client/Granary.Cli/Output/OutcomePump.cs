using Granary.Engines;

namespace Granary.Cli;

/// <summary>Copies a job's outcomes to an output as they become durable, in bounded memory.</summary>
internal sealed class OutcomePump(IJobEngine engine, JobId job, Action<Outcome> print, Action flush)
{
    private const int MaxPage = 1000;
    private const int PageBytes = 8 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private int _page = 100;

    /// <summary>In completion order, after a sequence number, until the job has ended or, once it is asked to stop,
    /// until there are none left.</summary>
    public async Task CompletionsAsync(int after, CancellationToken stop)
    {
        while (true)
        {
            bool stopping = stop.IsCancellationRequested;
            CompletionPage page = await NextAsync(after, stop);
            foreach (Outcome outcome in page.Outcomes) print(outcome);
            if (page.Outcomes.Count > 0) after = page.Outcomes[^1].Sequence;
            if (page.Outcomes.Count < MaxPage / 4 || page.Ended) flush();
            if (page.Ended || (stopping && page.Outcomes.Count == 0)) return;
        }
    }

    /// <summary>In submission order, from an index: an outcome waits for those before it.</summary>
    public async Task OrderedAsync(int from, int itemCount, CancellationToken stop)
    {
        // What is recorded after this moment shows up in the log below; what was before, in the first reading.
        int after = (await engine.GetStatusAsync(job, CancellationToken.None)).CompletionCount;
        from = await WritePrefixAsync(from);
        while (from < itemCount)
        {
            bool stopping = stop.IsCancellationRequested;
            CompletionPage page = await NextAsync(after, stop);
            if (page.Outcomes.Count > 0) after = page.Outcomes[^1].Sequence;
            if (page.Ended || page.Outcomes.Any(outcome => outcome.Index == from)) from = await WritePrefixAsync(from);
            if (page.Ended || (stopping && page.Outcomes.Count == 0)) return;
        }
    }

    /// <summary>In submission order, those that there are now.</summary>
    public async Task SoFarAsync(int itemCount)
    {
        for (int from = 0; from < itemCount;)
        {
            IReadOnlyList<Outcome?> outcomes = await engine.ReadOutcomesAsync(job, from, _page, CancellationToken.None);
            if (outcomes.Count == 0) break;
            Learn(outcomes);
            foreach (Outcome? outcome in outcomes)
                if (outcome is not null) print(outcome);
            from += outcomes.Count;
        }
        flush();
    }

    private async Task<int> WritePrefixAsync(int from)
    {
        while (true)
        {
            IReadOnlyList<Outcome?> outcomes = await engine.ReadOutcomesAsync(job, from, _page, CancellationToken.None);
            Learn(outcomes);
            foreach (Outcome? outcome in outcomes)
            {
                if (outcome is null) break;
                print(outcome);
                from++;
            }
            if (outcomes is [] or [.., null] || outcomes.Contains(null)) break;
        }
        flush();
        return from;
    }

    private async Task<CompletionPage> NextAsync(int after, CancellationToken stop)
    {
        while (true)
        {
            bool stopping = stop.IsCancellationRequested;
            try
            {
                CompletionPage page = await engine.ReadCompletionsAsync(
                    job, after, _page, stopping ? TimeSpan.Zero : s_patience, stopping ? CancellationToken.None : stop);
                Learn(page.Outcomes);
                return page;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Asked to stop while waiting: once more without waiting.
            }
        }
    }

    // Large values come in small pages.
    private void Learn(IReadOnlyList<Outcome?> outcomes)
    {
        if (outcomes.Count == 0) return;
        long bytes = 0;
        foreach (Outcome? outcome in outcomes) bytes += outcome?.Value.Length + outcome?.Error?.Data.Length + 200 ?? 0;
        long average = Math.Max(1, bytes / outcomes.Count);
        _page = (int)Math.Clamp(PageBytes / average, 1, MaxPage);
    }
}
