using Granary.Telemetry;

namespace Granary.Stores;

/// <summary>
/// Gathers the writes of many jobs into one transaction after another, on a thread of its own. It adds no delay: an
/// idle store commits the first write at once, and what arrives meanwhile makes the next group.
/// </summary>
internal sealed class GroupCommit : IAsyncDisposable
{
    /// <summary>The most writes of one group.</summary>
    internal const int MaxWrites = 4_096;

    /// <summary>A group is closed by the write that reaches so many bytes: 8 MiB.</summary>
    internal const int MaxBytes = 8 << 20;

    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LastBackoff = TimeSpan.FromSeconds(1);

    private readonly IJobStore _store;
    private readonly TimeProvider _time;
    private readonly Action<Exception>? _onFault;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();

    // Guarded by _gate.
    private readonly object _gate = new();
    private readonly Queue<IPendingWrite> _queue = new();
    private readonly HashSet<IPendingWrite> _queued = new(ReferenceEqualityComparer.Instance);
    private bool _idle;
    private bool _finished;

    // Written by the commit thread only.
    private readonly List<(IPendingWrite Source, JobWrite Write)> _group = [];
    private readonly List<JobWrite> _writes = [];
    private StoreException? _fault;
    private volatile byte _blocked;

    /// <summary>Starts the commit thread.</summary>
    /// <param name="store">Where to write; not disposed.</param>
    /// <param name="time">Measures the back-off after a transient fault.</param>
    /// <param name="onFault">Called once, on the commit thread, when nothing more can be written.</param>
    public GroupCommit(IJobStore store, TimeProvider time, Action<Exception>? onFault)
        : this(onFault, store, time) => new Thread(Run) { IsBackground = true, Name = "Granary commit" }.Start();

    private GroupCommit(Action<Exception>? onFault, IJobStore store, TimeProvider time) =>
        (_store, _time, _onFault) = (store, time, onFault);

    /// <summary>One without a thread, for simulations: whoever makes it gathers, writes and reports. Not to be
    /// disposed.</summary>
    internal static GroupCommit WithoutThread(IJobStore store, TimeProvider time, Action<Exception>? onFault) =>
        new(onFault, store, time);

    /// <summary>Why writes are being held back and tried again, or why nothing more is written; null when all is
    /// well.</summary>
    public StoreFault? Blocked => _blocked == 0 ? null : (StoreFault)_blocked;

    /// <summary>The writes of the group that was gathered last.</summary>
    internal IReadOnlyList<JobWrite> Group => _writes;

    /// <summary>Whether there is something to gather.</summary>
    internal bool HasWork
    {
        get
        {
            lock (_gate) return _queue.Count > 0;
        }
    }

    /// <summary>Asks that the source's write is taken and committed. Does nothing while it is queued already.</summary>
    public void Submit(IPendingWrite source)
    {
        lock (_gate)
        {
            if (!_finished)
            {
                if (!_queued.Add(source)) return;
                _queue.Enqueue(source);
                if (_idle) Monitor.Pulse(_gate);
                return;
            }
        }
        source.Failed(Stopped());
    }

    /// <summary>Commits one write. Canceling works until it is taken into a group; after that the answer is
    /// awaited.</summary>
    /// <exception cref="StoreException">It may or may not be durable, and no other will be accepted.</exception>
    public Task<WriteResult> SubmitAsync(JobWrite write, CancellationToken cancellation)
    {
        var single = new SingleWrite(write, cancellation);
        Submit(single);
        return single.Task;
    }

    /// <summary>Commits what is queued, then ends the thread. Writes that are held back by a transient fault fail
    /// with it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        lock (_gate) Monitor.Pulse(_gate);
        await _ended.Task;
    }

    private void Run()
    {
        while (WaitForWork())
        {
            try
            {
                Gather();
                if (_writes.Count > 0) Report(Commit());
            }
#pragma warning disable CA1031 // Whatever went wrong, nobody may wait for an answer that never comes.
            catch (Exception error)
#pragma warning restore CA1031
            {
                Fail(error);
            }
        }
        _ended.SetResult();
    }

    private bool WaitForWork()
    {
        lock (_gate)
        {
            while (_queue.Count == 0 && !_stop.IsCancellationRequested)
            {
                _idle = true;
                Monitor.Wait(_gate);
                _idle = false;
            }
            _finished = _queue.Count == 0;
            return !_finished;
        }
    }

    /// <summary>First step: takes what is queued.</summary>
    internal void Gather()
    {
        _group.Clear();
        _writes.Clear();
        long bytes = 0;
        // Only what is queued now: a source that becomes dirty again meanwhile has its next write in the next group.
        int queued;
        lock (_gate) queued = Math.Min(_queue.Count, MaxWrites);
        while (queued-- > 0 && bytes < MaxBytes && Next() is { } source)
        {
            if (_fault is not null)
            {
                source.Failed(_fault);
            }
            else if (source.Take() is { } write)
            {
                _group.Add((source, write));
                _writes.Add(write);
                bytes += Size(write);
            }
        }
    }

    // Off the queue before it is taken: what becomes dirty from here on queues the source again.
    private IPendingWrite? Next()
    {
        lock (_gate)
        {
            if (!_queue.TryDequeue(out IPendingWrite? source)) return null;
            _queued.Remove(source);
            return source;
        }
    }

    private WriteResult[] Commit()
    {
        long begin = _time.GetTimestamp();
        for (TimeSpan backoff = FirstBackoff; ; backoff = backoff * 2 < LastBackoff ? backoff * 2 : LastBackoff)
        {
            try
            {
                WriteResult[] results = Wait(_store.CommitAsync(_writes, CancellationToken.None));
                _blocked = 0;
                Instruments.Committed(_writes.Count, _time.GetElapsedTime(begin));
                return results;
            }
            catch (StoreException fault) when (fault.IsTransient && !_stop.IsCancellationRequested)
            {
                _blocked = (byte)fault.Fault;
                Task.Delay(backoff, _time, _stop.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
            }
        }
    }

    /// <summary>Last step: tells the sources what became of their writes.</summary>
    internal void Report(WriteResult[] results)
    {
        for (int i = 0; i < results.Length; i++) _group[i].Source.Done(_group[i].Write, results[i]);
    }

    /// <summary>Last step, if something went wrong that trying again does not mend: nothing more is written.</summary>
    internal void Fail(Exception error)
    {
        bool first = _fault is null;
        _fault ??= error as StoreException ?? new StoreException(
            StoreFault.Unknown, $"Committing has stopped because of a bug: {error.Message}", error);
        _blocked = (byte)_fault.Fault;
        // The engine first: whoever is refused now and asks again must find it stopped.
        if (first) _onFault?.Invoke(error);
        foreach ((IPendingWrite source, _) in _group) source.Failed(_fault);
        _group.Clear();
    }

    private static WriteResult[] Wait(ValueTask<WriteResult[]> commit) =>
        commit.IsCompletedSuccessfully ? commit.Result : commit.AsTask().GetAwaiter().GetResult();

    private static StoreException Stopped() =>
        new(StoreFault.Unavailable, "The engine has stopped; nothing more is written.");

    private static long Size(JobWrite write)
    {
        long size = (write.Header?.Length ?? 0) + write.Summary.Length;
        if (write.Record is { } record) size += record.Events.Length + record.Values.Length;
        foreach (StoredPage page in write.Pages) size += page.Shape.Length + page.Args.Length;
        return size;
    }

    private sealed class SingleWrite : IPendingWrite
    {
        private readonly JobWrite _write;
        private readonly CancellationTokenRegistration _canceling;
        private readonly TaskCompletionSource<WriteResult> _result =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _decided;

        public SingleWrite(JobWrite write, CancellationToken cancellation)
        {
            _write = write;
            _canceling = cancellation.UnsafeRegister(Cancel, this);
        }

        public Task<WriteResult> Task => _result.Task;

        public JobWrite? Take()
        {
            if (Interlocked.Exchange(ref _decided, 1) != 0) return null;
            _canceling.Unregister();
            return _write;
        }

        public void Done(JobWrite write, WriteResult result) => _result.TrySetResult(result);

        public void Failed(StoreException fault) => _result.TrySetException(fault);

        private static void Cancel(object? state, CancellationToken cancellation)
        {
            var write = (SingleWrite)state!;
            if (Interlocked.Exchange(ref write._decided, 1) == 0) write._result.TrySetCanceled(cancellation);
        }
    }
}
