using Granary.Activations;
using Granary.Stores;

namespace Granary.Embedded;

/// <summary>
/// Removes what nobody needs any more: submissions that were never completed, and jobs past their retention.
/// </summary>
internal sealed class Janitor(EngineContext engine, ActivationTable jobs)
{
    /// <summary>How often it looks: once a minute, since retention is counted in days.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>Rows removed in one transaction, so that it takes milliseconds.</summary>
    private const int RowsAtOnce = 1_000;

    private readonly CancellationTokenSource _stop = new();
    private Task _sweeping = Task.CompletedTask;

    public void Start() => _sweeping = SweepAsync();

    public async Task StopAsync()
    {
        _stop.Cancel();
        await _sweeping.ConfigureAwait(Patience.Quietly);
    }

    /// <summary>At start: this engine has the store to itself, so what is staged is abandoned.</summary>
    public Task RemoveStagedAsync(CancellationToken cancellation) =>
        RemoveAllAsync(() => engine.Store.ListStagedAsync(DateTimeOffset.MaxValue, 100, cancellation), cancellation);

    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(Interval, engine.Options.Time);
        while (await timer.WaitForNextTickAsync(_stop.Token))
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
                await RemoveAsync(job, cancellation);
            }
        }
    }

    private async Task RemoveAsync(JobId job, CancellationToken cancellation)
    {
        jobs.Remove(job);
        while (!await engine.Store.RemoveAsync(job, RowsAtOnce, cancellation)) await Task.Yield();
    }
}
