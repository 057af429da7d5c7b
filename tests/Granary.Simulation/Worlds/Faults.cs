namespace Granary.Simulation.Worlds;

/// <summary>What is about to go wrong on the disk.</summary>
internal sealed class Faults(SimRandom random)
{
    private readonly Queue<CommitFault> _commits = new();
    private readonly int _latePercent = random.Pick([0, 0, 10, 50]);
    private int _reads;

    /// <summary>Faults that were taken, so that checks know what may be ambiguous.</summary>
    public int Taken { get; private set; }

    public void Arm(CommitFault fault, int times)
    {
        for (int i = 0; i < times; i++) _commits.Enqueue(fault);
    }

    public void ArmReads(int count) => _reads += count;

    public CommitFault TakeCommitFault()
    {
        if (!_commits.TryDequeue(out CommitFault fault)) return CommitFault.None;
        Taken++;
        return fault;
    }

    public bool TakeReadFault()
    {
        if (_reads == 0) return false;
        _reads--;
        Taken++;
        return true;
    }

    public bool ReadsLate() => _latePercent > 0 && random.Chance(_latePercent);

    /// <summary>Nothing goes wrong from here on.</summary>
    public void Stop()
    {
        _commits.Clear();
        _reads = 0;
    }
}
