using Granary.Simulation.Checks;
using Granary.Stores;

namespace Granary.Simulation.Worlds;

/// <summary>How a commit goes wrong.</summary>
internal enum CommitFault : byte
{
    None = 0,

    /// <summary>Not written: there is no room, and may be later.</summary>
    Full = 1,

    /// <summary>Not written: the disk is busy.</summary>
    Unavailable = 2,

    /// <summary>Written, and reported as failed.</summary>
    UnknownDone = 3,

    /// <summary>Not written, and reported as failed.</summary>
    UnknownLost = 4,
}

/// <summary>
/// The commit thread of one process, a step at a time: gather, write, report. The steps are the engine's own; between
/// two sources of
/// one step, other things happen in the process.
/// </summary>
internal sealed class SimCommit
{
    private readonly World _world;
    private readonly SimProcess _process;
    private readonly GroupCommit _commit;
    private readonly Dictionary<IPendingWrite, Interleaved> _sources = new(ReferenceEqualityComparer.Instance);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isGathered;
    private bool _isStopping;
    private WriteResult[]? _results;
    private StoreException? _error;
    private long _notBefore;

    public SimCommit(World world, SimProcess process, IJobStore store, Action<Exception> onFault)
    {
        (_world, _process) = (world, process);
        _commit = GroupCommit.WithoutThread(store, world.Clock, onFault);
    }

    public StoreFault? Blocked { get; private set; }

    /// <summary>Whether a step can be taken now.</summary>
    public bool IsReady => _isGathered ? _world.Clock.Elapsed >= _notBefore : _commit.HasWork;

    /// <summary>When a write that is held back is tried again.</summary>
    public long RetriesAt => _isGathered && _results is null && _error is null ? _notBefore : long.MaxValue;

    public void Submit(IPendingWrite source)
    {
        if (_world.Planted == PlantedBug.TwoTakes)
        {
            _commit.Submit(new Interleaved(_process, source));
            return;
        }
        if (!_sources.TryGetValue(source, out Interleaved? known))
            _sources.Add(source, known = new Interleaved(_process, source));
        _commit.Submit(known);
    }

    public Task<WriteResult> SubmitAsync(JobWrite write, CancellationToken cancellation) =>
        _commit.SubmitAsync(write, cancellation);

    /// <summary>Commits what is queued, then ends.</summary>
    public Task StopAsync()
    {
        _isStopping = true;
        EndIfIdle();
        return _ended.Task;
    }

    public void Step()
    {
        if (!_isGathered) Gather();
        else if (_results is null && _error is null) Write();
        else Report();
        EndIfIdle();
    }

    private void Gather()
    {
        _commit.Gather();
        _isGathered = _commit.Group.Count > 0;
        if (!_isGathered || _world.Planted is not (PlantedBug.AcknowledgedEarly or PlantedBug.ShownEarly)) return;
        foreach (JobWrite write in _commit.Group)
        {
            if ((write.Header is not null) != (_world.Planted == PlantedBug.AcknowledgedEarly)) return;
        }
        // The planted bug: reported now, written later.
        _results = null;
        _commit.Report([.. _commit.Group.Select(_ => WriteResult.Written)]);
        _isReported = true;
    }

    private bool _isReported;

    private void Write()
    {
        CommitFault fault = _isReported ? CommitFault.None : _world.Faults.TakeCommitFault();
        if (fault != CommitFault.None) _world.Trace($"commit of process {_process.Number}: {fault}");
        switch (fault)
        {
            case CommitFault.Full or CommitFault.Unavailable when !_isStopping:
                Blocked = fault == CommitFault.Full ? StoreFault.Full : StoreFault.Unavailable;
                _notBefore = _world.Clock.Elapsed + TimeSpan.FromMilliseconds(_world.Random.Between(50, 1000)).Ticks;
                return;
            case CommitFault.UnknownDone:
                _world.Disk.Commit(_commit.Group);
                Break();
                break;
            case CommitFault.UnknownLost:
                Break();
                break;
            default:
                _results = _world.Disk.Commit(_commit.Group);
                Blocked = null;
                break;
        }
    }

    private void Break()
    {
        _error = new StoreException(StoreFault.Unknown, "The simulated disk failed in the middle of a write.");
        // The planted bug: the engine takes it for written.
        if (_world.Planted == PlantedBug.FailureIgnored)
            (_results, _error) = ([.. _commit.Group.Select(_ => WriteResult.Written)], null);
    }

    private void Report()
    {
        if (_isReported) { }
        else if (_error is not null) _commit.Fail(_error);
        else _commit.Report(_results!);
        (_results, _error, _isGathered, _isReported) = (null, null, false, false);
    }

    private void EndIfIdle()
    {
        if (_isStopping && !_isGathered && !_commit.HasWork) _ended.TrySetResult();
    }

    private sealed class Interleaved(SimProcess process, IPendingWrite source) : IPendingWrite
    {
        public JobWrite? Take()
        {
            process.Interleave();
            JobWrite? write = source.Take();
            process.Interleave();
            return write;
        }

        public void Done(JobWrite write, WriteResult result)
        {
            process.Interleave();
            source.Done(write, result);
        }

        public void Failed(StoreException fault)
        {
            process.Interleave();
            source.Failed(fault);
        }
    }
}
