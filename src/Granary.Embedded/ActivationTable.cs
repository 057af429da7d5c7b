using Granary.Activations;
using System.Collections.Concurrent;
using Granary.Engines;
using Granary.Stores;

namespace Granary.Embedded;

/// <summary>
/// The jobs in memory. Those that go on stay; those that have ended stay while they are among the latest, for whoever
/// reads their results, and are loaded again when asked for later.
/// </summary>
internal sealed class ActivationTable(EngineContext engine)
{
    /// <summary>Ended jobs kept in memory: so many at most, and of so many nodes together.</summary>
    private const int MaxEnded = 256;
    private const int MaxEndedNodes = 2_000_000;

    private readonly ConcurrentDictionary<JobId, Lazy<Task<Activation>>> _jobs = new();
    private readonly Queue<Activation> _ended = new();
    private int _endedNodes;

    /// <summary>
    /// Makes room for a job that is being submitted, so that nobody else loads it once it is in the store.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="submitting">Its activation, when it is durable.</param>
    public void Reserve(JobId job, Task<Activation> submitting) =>
        _jobs[job] = new Lazy<Task<Activation>>(AwaitAsync(submitting));

    // Of a task that continues on the caller's context, unlike the submitter's own.
    private static async Task<Activation> AwaitAsync(Task<Activation> submitting) => await submitting;

    public void Watch(Activation activation) => activation.OnSettled = Settle;

    public void Remove(JobId job) => _jobs.TryRemove(job, out _);

    /// <summary>Lets go of the job unless something is left to do.</summary>
    public void RemoveEnded(JobId job)
    {
        if (_jobs.TryGetValue(job, out Lazy<Task<Activation>>? loaded) && loaded.IsValueCreated
            && loaded.Value is { IsCompletedSuccessfully: true, Result.IsFinished: true })
            _jobs.TryRemove(new(job, loaded));
    }

    /// <summary>Those that are loaded.</summary>
    public List<Activation> All() =>
        [.. _jobs.Values.Where(job => job.IsValueCreated && job.Value.IsCompletedSuccessfully)
            .Select(job => job.Value.Result)];

    /// <summary>Those that have attempts running.</summary>
    public List<Activation> Running() => All().FindAll(activation => activation.AttemptCount > 0);

    /// <summary>The job for steering it: in memory, and this engine's.</summary>
    /// <exception cref="RefusedException">There is no such job.</exception>
    public async Task<Activation> ActivateAsync(JobId job, CancellationToken cancellation)
    {
        Lazy<Task<Activation>> loading = _jobs.GetOrAdd(job, id => new Lazy<Task<Activation>>(() => LoadAsync(id)));
        try
        {
            return await loading.Value.WaitAsync(cancellation);
        }
        catch (Exception) when (loading.Value.IsFaulted)
        {
            _jobs.TryRemove(new(job, loading));
            throw;
        }
    }

    /// <summary>
    /// The job for reading it: its activation, or a reader alone if it has ended and is not in memory.
    /// </summary>
    public async Task<(Activation? Activation, JobReader Reader)> FindAsync(JobId job, CancellationToken cancellation)
    {
        if (!_jobs.ContainsKey(job))
        {
            StoredJob stored = await engine.Store.LoadAsync(job, cancellation)
                ?? throw Refusals.Of(Refusal.NotFound, job);
            if (stored.Phase == JobPhase.Finished) return (null, await ReadEndedAsync(stored, cancellation));
        }
        Activation activation = await ActivateAsync(job, cancellation);
        return (activation, activation.Reader);
    }

    /// <summary>Loads every job that has not ended; one that cannot be loaded does not hold up the others.</summary>
    public async Task ResumeAllAsync(CancellationToken cancellation)
    {
        await Task.Yield();
        JobId after = default;
        while (await ListLiveAsync(after, cancellation) is { Count: > 0 } jobs)
        {
            cancellation.ThrowIfCancellationRequested();
            // A damaged index may list the same ones for ever.
            if (jobs[^1] <= after) return;
            // Together: their takeovers share commits.
            await Task.WhenAll(jobs.Select(job => ResumeAsync(job, cancellation)));
            after = jobs[^1];
        }
    }

    private async Task ResumeAsync(JobId job, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await ActivateAsync(job, cancellation);
                return;
            }
            catch (StoreException e) when (e.IsTransient)
            {
                await Patience.PauseAsync(engine.Threads.Clock, cancellation);
            }
            catch (Exception e) when (e is StoreException or RefusedException)
            {
                EngineLog.JobNotResumed(engine.Log, job, e);
                return;
            }
        }
    }

    private async ValueTask<IReadOnlyList<JobId>> ListLiveAsync(JobId after, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return await engine.Store.ListLiveAsync(after, 256, cancellation);
            }
            catch (StoreException e) when (e.IsTransient)
            {
                await Patience.PauseAsync(engine.Threads.Clock, cancellation);
            }
        }
    }

    private async Task<Activation> LoadAsync(JobId job)
    {
        StoredJob stored = await engine.Store.AcquireAsync(job, CancellationToken.None)
            ?? throw Refusals.Of(Refusal.NotFound, job);
        JobReader reader = await JobLoader.LoadAsync(engine.Store, stored, CancellationToken.None);
        var activation = new Activation(engine, reader, stored.Epoch) { OnSettled = Settle };
        await activation.RecoverAsync();
        return activation;
    }

    // The last one read is kept: whoever pages through results asks for it again and again.
    private JobReader? _lastEnded;

    private async Task<JobReader> ReadEndedAsync(StoredJob stored, CancellationToken cancellation)
    {
        if (_lastEnded is { } last && last.State.Header.Id == stored.Job
            && last.Log.RecordCount == RecordCount(stored)) return last;
        return _lastEnded = await JobLoader.LoadAsync(engine.Store, stored, cancellation);
    }

    private static int RecordCount(StoredJob stored) =>
        Persistence.JobCodec.ReadSummary(stored.Job, stored.Summary).RecordCount;

    private void Settle(Activation activation)
    {
        if (activation.IsDead)
        {
            if (_jobs.TryGetValue(activation.Job, out Lazy<Task<Activation>>? now) && Holds(now, activation))
                Remove(activation.Job);
            return;
        }
        lock (_ended)
        {
            _ended.Enqueue(activation);
            _endedNodes += activation.Reader.State.Nodes.Count;
            while (_ended.Count > 1 && (_ended.Count > MaxEnded || _endedNodes > MaxEndedNodes))
            {
                Activation oldest = _ended.Dequeue();
                _endedNodes -= oldest.Reader.State.Nodes.Count;
                // It may have been retried since.
                if (oldest.IsFinished) Remove(oldest.Job);
            }
        }
    }

    private static bool Holds(Lazy<Task<Activation>> loaded, Activation activation) =>
        loaded.IsValueCreated && loaded.Value.IsCompletedSuccessfully && loaded.Value.Result == activation;
}
