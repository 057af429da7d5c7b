using System.Collections.Concurrent;
using Granary.Activations;
using Granary.Batches;
using Granary.Telemetry;
using Granary.Workers;

namespace Granary.Grains;

/// <summary>
/// Runs the tasks of this silo's workers. It outlives the turns of the grains, which a handler must never hold; a
/// worker that is deactivated stops its task here.
/// </summary>
internal sealed class TaskRunner(
    EngineContext engine, Func<JobName, IJobGrain> jobs, SiloAddress silo, ClusterOptions options)
{
    /// <summary>A worker whose task runs longer is kept from being collected: 30 seconds.</summary>
    private static readonly TimeSpan KeptAliveAfter = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<AttemptName, RunningTask> _running = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<JobName, JobReporter> _reporters = [];
    private readonly ConcurrentDictionary<JobName, long> _heardAt = new();
    private readonly ConcurrentDictionary<JobName, bool> _beating = new();
    private volatile bool _crashed;

    /// <summary>Nothing more is started here.</summary>
    public bool IsDraining { get; set; }

    /// <summary>How many tasks run here.</summary>
    public int Count => _running.Count;

    public RunningTask Start(TaskStart start, IWorkerGrain worker, string workerKey)
    {
        var task = new RunningTask(engine, start, worker, workerKey, Report)
        {
            StartedAt = engine.Threads.Clock.GetTimestamp(),
        };
        _running[start.Attempt] = task;
        lock (_gate) ReporterOf(start.Attempt.Job).Running++;
        task.Run();
        return task;
    }

    /// <summary>Stops everything, for a silo that stops; each goes back to its job as it ends.</summary>
    public void ReleaseAll()
    {
        foreach (RunningTask task in _running.Values) task.Stop(StopCause.Release);
    }

    /// <summary>Says nothing more, as a killed process. For tests.</summary>
    public void Crash()
    {
        IsDraining = true;
        _crashed = true;
        ReleaseAll();
    }

    /// <summary>Waits until nothing runs here and everything has been said.</summary>
    public async Task DrainedAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested && !(_running.IsEmpty && IsIdle()))
            await Task.Delay(TimeSpan.FromMilliseconds(5), engine.Threads.Clock, cancellation)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>
    /// Tells every job what of it runs here, and stops what the job says or what it has lost. Does not wait: a job
    /// whose silo does not answer must not keep others from being told.
    /// </summary>
    public void Heartbeat()
    {
        ILookup<JobName, RunningTask> running = _running.Values.ToLookup(task => task.Name.Job);
        JobName[] told;
        lock (_gate) told = [.. _reporters.Where(r => r.Value.Running > 0 || !r.Value.IsIdle).Select(r => r.Key)];
        foreach (JobName job in told)
        {
            if (_beating.TryAdd(job, true)) _ = HeartbeatAsync(job, [.. running[job]]);
            else StopLost(job, running[job]);
        }
        foreach (JobName job in _heardAt.Keys)
            if (!running.Contains(job)) _heardAt.TryRemove(job, out _);
    }

    private async Task HeartbeatAsync(JobName job, RunningTask[] tasks)
    {
        TimeProvider clock = engine.Threads.Clock;
        long asked = clock.GetTimestamp();
        foreach (RunningTask task in tasks)
            if (clock.GetElapsedTime(task.StartedAt) > KeptAliveAfter) _ = KeepAliveAsync(task.Worker);
        JobReporter reporter;
        lock (_gate) reporter = ReporterOf(job);
        RunningWire[] running =
        [
            .. tasks.Select(task => new RunningWire(
                task.Name.Node, task.Name.Number, task.WorkerKey, task.Progress?.ToWire())),
            .. reporter.Undelivered(),
        ];
        try
        {
            StopOrder[] orders = await reporter.HeartbeatAsync(new Heartbeat(silo, running))
                .WaitAsync(options.Lease / 2, clock).ConfigureAwait(false);
            _heardAt[job] = asked;
            foreach (StopOrder order in orders)
                if (_running.TryGetValue(new AttemptName(job, order.Node, order.Number), out RunningTask? task))
                    task.Stop((StopCause)order.Cause);
        }
        catch (Exception)
        {
            StopLost(job, tasks);
        }
        finally
        {
            _beating.TryRemove(job, out _);
        }
    }

    // Nobody has confirmed the leases for so long that these attempts may have started elsewhere.
    private void StopLost(JobName job, IEnumerable<RunningTask> tasks)
    {
        foreach (RunningTask task in tasks)
        {
            long last = Math.Max(task.StartedAt, _heardAt.GetValueOrDefault(job));
            if (engine.Threads.Clock.GetElapsedTime(last) > options.Lease) task.Stop(StopCause.Release);
        }
    }

    private static async Task KeepAliveAsync(IWorkerGrain worker)
    {
        try
        {
            await worker.KeepAliveAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The next one will do; a worker that is collected stops its task, which starts again.
        }
    }

    private void Report(RunningTask task, AttemptResult result, TraceContext span)
    {
        if (_crashed) return;
        JobReporter reporter;
        lock (_gate)
        {
            _running.TryRemove(task.Name, out _);
            reporter = ReporterOf(task.Name.Job);
            reporter.Running--;
        }
        reporter.Report(result.ToReport(task.Name, task.WorkerKey, span));
    }

    private JobReporter ReporterOf(JobName job)
    {
        if (_reporters.TryGetValue(job, out JobReporter? reporter)) return reporter;
        if (_reporters.Count >= _sweepAt) Sweep();
        return _reporters[job] = new JobReporter(jobs(job));
    }

    private int _sweepAt = 64;

    private void Sweep()
    {
        foreach ((JobName job, JobReporter reporter) in _reporters)
            if (reporter is { Running: 0, IsIdle: true }) _reporters.Remove(job);
        _sweepAt = Math.Max(64, 2 * _reporters.Count);
    }

    private bool IsIdle()
    {
        lock (_gate) return _reporters.Values.All(reporter => reporter.IsIdle);
    }
}
