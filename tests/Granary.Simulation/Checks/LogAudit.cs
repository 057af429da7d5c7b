using Granary.Engines;
using Granary.Simulation.Worlds;
using Granary.Stores;
using Granary.Persistence;

namespace Granary.Simulation.Checks;

/// <summary>Reads each record of a job as it becomes durable and checks it by rules of its own.</summary>
internal sealed class LogAudit(JobId job, JobHeader header)
{
    private readonly HashSet<int> _sizes = [header.Spec.MaxConcurrency];

    public JobId Job => job;
    public bool IsLive { get; private set; }
    public int ItemCount { get; private set; }
    public int CompletionCount { get; private set; }
    public bool WasComplete { get; private set; } = header.Spec.SealTimeout is null;
    public bool WasEnded { get; private set; }
    public int Cancels { get; private set; }
    public int Pauses { get; private set; }
    public int Resumes { get; private set; }
    public bool IsPaused { get; private set; }
    public int Retries { get; private set; }

    public bool HadSize(int size) => _sizes.Contains(size);

    public void Written(JobWrite write)
    {
        IsLive |= write.Phase != JobPhase.Staged;
        JobSummary summary = JobCodec.ReadSummary(job, write.Summary);
        ItemCount = summary.ItemCount;
        CompletionCount = summary.CompletionCount;
        WasEnded |= summary.State.IsEnd();
        if (write.Record is not { } record) return;
        var reader = new RecordReader(job, record);
        while (reader.Next(out JobEvent e)) Read(e);
    }

    private void Read(in JobEvent e)
    {
        switch (e.Kind)
        {
            case EventKind.Completed or EventKind.EndedRange when e.Node == 0: WasEnded = true; break;
            case EventKind.CancelRequested: Cancels++; WasComplete = true; break;
            case EventKind.Expired when e.Node == 0: WasComplete = true; break;
            case EventKind.Paused: Pauses++; IsPaused = true; break;
            case EventKind.Resumed: Resumes++; IsPaused = false; break;
            case EventKind.Resized: _sizes.Add(e.Number); break;
            case EventKind.Sealed: WasComplete = true; break;
            case EventKind.RetryRequested: Retries++; break;
            default: break;
        }
    }



}
