using Granary.Activations;
using Granary.Stores;

namespace Granary.Embedded;

/// <summary>
/// Removes what nobody needs any more: submissions that were never completed, and jobs past their retention.
/// </summary>
internal sealed class Janitor(EngineContext engine, ActivationTable jobs)
{
    /// <summary>How often it looks: at the start, for processes that live shorter, and once a minute, since retention
    /// is counted in days.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>Rows removed in one transaction, so that it takes milliseconds: a page may have 256 KiB.</summary>
    private const int RowsAtOnce = 100;

    private readonly CancellationTokenSource _stop = new();
    private Task _sweeping = Task.CompletedTask;

    /// <summary>Begins to look, once the jobs that go on have been resumed.</summary>
    public void Start(Task resumed) => _sweeping = SweepAsync(resumed);

    public async Task StopAsync()
    {
        _stop.Cancel();
        await _sweeping.ConfigureAwait(Patience.Quietly);
    }

    /// <summary>At start: this engine has the store to itself, so what is staged is abandoned.</summary>
    public Task RemoveStagedAsync(CancellationToken cancellation) =>
        RemoveAllAsync(() => engine.Store.ListStagedAsync(DateTimeOffset.MaxValue, 100, cancellation), cancellation);

    private async Task SweepAsync(Task resumed)
    {
        using var timer = new PeriodicTimer(Interval, engine.Options.Time);
        // Never on the thread of whoever starts the engine: SQLite answers at once.
        await resumed.ConfigureAwait(Patience.Quietly | ConfigureAwaitOptions.ForceYielding);
        do
        {
            try
            {
                await RemoveAllAsync(
                    () => engine.Store.ListExpiredAsync(engine.Options.Time.GetUtcNow(), 100, _stop.Token),
                    _stop.Token);
            }
            catch (StoreException e)
            {
                EngineLog.SweepFailed(engine.Log, e);
            }
        }
        while (await timer.WaitForNextTickAsync(_stop.Token));
    }

    private async Task RemoveAllAsync(Func<ValueTask<IReadOnlyList<JobId>>> list, CancellationToken cancellation)
    {
        var removed = new HashSet<JobId>();
        while (await list() is { Count: > 0 } jobs)
        {
            foreach (JobId job in jobs)
            {
                // Listed again, it is in a damaged index only: removing it again would never end.
                if (!removed.Add(job))
                    throw new StoreException(
                        StoreFault.Corrupt, $"Job {job} is listed and not there; run 'granary verify'.");
                cancellation.ThrowIfCancellationRequested();
                await RemoveAsync(job, cancellation);
            }
        }
    }

    private async Task RemoveAsync(JobId job, CancellationToken cancellation)
    {
        jobs.RemoveEnded(job);
        while (!await engine.Store.RemoveAsync(job, RowsAtOnce, cancellation)) await Task.Yield();
        // It may have been retried since it was listed; otherwise whoever loaded it meanwhile holds nothing.
        if (await engine.Store.LoadAsync(job, cancellation) is null) jobs.Remove(job);
    }
}
