using Granary.Stores;

namespace Granary.Conformance.Stores;

/// <summary>Short ways to write to a store, for tests.</summary>
public static class Writes
{
    /// <summary>A new live job.</summary>
    public static JobWrite New(
        long job,
        string? key = null,
        JobPhase phase = JobPhase.Live,
        JobState state = JobState.Running,
        int pages = 0) => new()
        {
            Job = new JobId(job),
            Epoch = 1,
            Header = Bytes("header", job),
            Phase = phase,
            Key = key,
            State = state,
            Summary = Bytes("new", job),
            Pages = [.. Enumerable.Range(0, pages).Select(Page)],
        };

    /// <summary>A new job that is due, or not in the index.</summary>
    public static JobWrite Due(long job, DateTimeOffset? at, JobPhase phase = JobPhase.Live) => new()
    {
        Job = new JobId(job),
        Epoch = 1,
        Header = Bytes("header", job),
        Phase = phase,
        State = JobState.Running,
        Summary = Bytes("due", job),
        DueAt = at,
    };

    /// <summary>Something happened to a job.</summary>
    public static JobWrite Next(
        long job,
        int? record,
        long epoch = 1,
        JobPhase phase = JobPhase.Live,
        JobState state = JobState.Running) => new()
        {
            Job = new JobId(job),
            Epoch = epoch,
            Phase = phase,
            State = state,
            Summary = Bytes("after record", record ?? -1),
            Record = record is { } number ? Record(number) : null,
        };

    /// <summary>A job's end.</summary>
    public static JobWrite End(
        long job, DateTimeOffset expiresAt, long epoch = 1, JobState state = JobState.Succeeded) => new()
    {
        Job = new JobId(job),
        Epoch = epoch,
        Phase = JobPhase.Finished,
        State = state,
        Summary = Bytes("ended", job),
        ExpiresAt = expiresAt,
    };

    /// <summary>A page whose bytes tell its number.</summary>
    public static StoredPage Page(int number) => new(number, Bytes("shape", number), Bytes("args", number));

    /// <summary>A record whose bytes tell its number.</summary>
    public static StoredRecord Record(int number) => new(number, Bytes("events", number), Bytes("values", number));

    /// <summary>Bytes that tell what they are.</summary>
    public static byte[] Bytes(string what, long number) =>
        System.Text.Encoding.UTF8.GetBytes(FormattableString.Invariant($"{what} {number}"));

    /// <summary>Commits one write.</summary>
    public static async Task<WriteResult> CommitAsync(this IJobStore store, JobWrite write) =>
        (await store.CommitAsync([write], CancellationToken.None))[0];

    /// <summary>Removes all of a job.</summary>
    public static async Task RemoveAllAsync(this IJobStore store, JobId job)
    {
        while (!await store.RemoveAsync(job, 1_000, CancellationToken.None)) { }
    }
}
