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
    public async Task RemoveStagedAsync(CancellationToken cancellation)
    {
        while (await engine.Store.ListStagedAsync(100, cancellation) is { Count: > 0 } staged)
            foreach (JobId job in staged) await RemoveAsync(job, cancellation);
    }

    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(Interval, engine.Options.Time);
        while (await timer.WaitForNextTickAsync(_stop.Token))
        {
            try
            {
                while (await engine.Store.ListExpiredAsync(
                    engine.Options.Time.GetUtcNow(), 100, _stop.Token) is { Count: > 0 } expired)
                    foreach (JobId job in expired) await RemoveAsync(job, _stop.Token);
            }
            catch (StoreException e)
            {
                EngineLog.SweepFailed(engine.Log, e);
            }
        }
    }

    private async Task RemoveAsync(JobId job, CancellationToken cancellation)
    {
        jobs.Remove(job);
        while (!await engine.Store.RemoveAsync(job, RowsAtOnce, cancellation)) await Task.Yield();
    }
}
