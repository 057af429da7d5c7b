using Granary.Engines;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>
/// Brings what one silo has to say to one job: reports, again and again until they are durable there, and heartbeats.
/// What ends while calls are under way goes with the next one.
/// </summary>
internal sealed class JobReporter(IJobGrain job)
{
    /// <summary>Calls under way at once: enough that no slot waits for the commit of another's outcome.</summary>
    private const int CallsAtOnce = 8;

    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LastBackoff = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly List<AttemptReport[]> _underWay = [];
    private List<AttemptReport> _reports = [];
    private int _calls;

    /// <summary>Tasks of the job that run here; the reporter goes when the last has been reported. Counted by the
    /// task runner, under its lock.</summary>
    public int Running { get; set; }

    /// <summary>What has ended here and is not durable there yet, as heartbeats name it: its lease must not run out
    /// while the store is away.</summary>
    public RunningWire[] Undelivered()
    {
        lock (_gate)
            return [.. _underWay.SelectMany(batch => batch).Concat(_reports)
                .Select(report => new RunningWire(report.Node, report.Number, report.Worker, null))];
    }

    /// <summary>Everything has been said.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate) return _calls == 0 && _reports.Count == 0;
        }
    }

    public void Report(AttemptReport report)
    {
        AttemptReport[] batch;
        lock (_gate)
        {
            _reports.Add(report);
            if (_calls >= CallsAtOnce) return;
            batch = TakeAll();
            _calls++;
        }
        _ = SendAsync(batch);
    }

    public Task<StopOrder[]> HeartbeatAsync(Heartbeat heartbeat) => job.HeartbeatAsync(heartbeat);

    private async Task SendAsync(AttemptReport[] batch)
    {
        while (true)
        {
            await DeliverAsync(batch).ConfigureAwait(false);
            lock (_gate)
            {
                _underWay.Remove(batch);
                if (_reports.Count == 0)
                {
                    _calls--;
                    return;
                }
                batch = TakeAll();
            }
        }
    }

    // Whatever went wrong, the outcome is not lost while this silo lives: the job takes it once.
    private async Task DeliverAsync(AttemptReport[] batch)
    {
        for (TimeSpan backoff = FirstBackoff; ; backoff = backoff * 2 < LastBackoff ? backoff * 2 : LastBackoff)
        {
            try
            {
                await job.ReportAsync(batch).ConfigureAwait(false);
                return;
            }
            catch (RefusedException e) when (e.Refusal == Refusal.NotFound)
            {
                return;
            }
            catch (StoreException e) when (e.Fault is StoreFault.Corrupt or StoreFault.Newer)
            {
                // The job cannot be loaded, and will not be.
                return;
            }
            catch (ObjectDisposedException)
            {
                // The silo has stopped under it.
                return;
            }
            catch (Exception)
            {
                await Task.Delay(backoff, TimeProvider.System).ConfigureAwait(false);
            }
        }
    }

    private AttemptReport[] TakeAll()
    {
        AttemptReport[] batch = [.. _reports];
        _reports.Clear();
        _underWay.Add(batch);
        return batch;
    }
}
