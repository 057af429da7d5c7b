using Granary.Telemetry;

namespace Granary.Persistence;

/// <summary>The persisted form of a job's header and summary, and of task profiles.</summary>
internal static class JobCodec
{
    public static ReadOnlyMemory<byte> Write(JobHeader header)
    {
        JobSpec spec = header.Spec;
        ByteWriter w = Blob.Begin(BlobKind.Header);
        w.Varint((ulong)header.Id.Value);
        w.Signed(header.SubmittedAt.Micros);
        w.Byte((byte)spec.Kind);
        w.Count(spec.MaxConcurrency);
        w.Byte((byte)spec.OnFailure);
        w.Time(spec.Deadline);
        w.Byte(spec.Key is null ? (byte)0 : (byte)1);
        w.Text(spec.Key ?? "");
        w.Text(spec.Name);
        w.Time(spec.Delay);
        w.Time(spec.Retention);
        w.Time(spec.SealTimeout);
        Write(w, spec.Defaults);
        w.Text(header.Trace.Parent ?? "");
        w.Text(header.Trace.State ?? "");
        return Blob.Seal(w, header.Id, 0);
    }

    public static JobHeader ReadHeader(JobId job, ReadOnlyMemory<byte> blob)
    {
        var r = new ByteReader(Blob.Open(blob, BlobKind.Header, job, 0).Span);
        if ((long)r.Varint() != job.Value) throw ByteReader.Damaged();
        var submittedAt = new Instant(r.Signed());
        var kind = r.Enum<JobKind>();
        int maxConcurrency = r.Count();
        var onFailure = r.Enum<FailurePolicy>();
        TimeSpan? deadline = r.Time();
        bool keyed = r.Byte() != 0;
        string key = r.Text();
        return new JobHeader(job, new JobSpec
        {
            Kind = kind,
            MaxConcurrency = maxConcurrency,
            OnFailure = onFailure,
            Deadline = deadline,
            Key = keyed ? key : null,
            Name = r.Text(),
            Delay = r.Time() ?? throw ByteReader.Damaged(),
            Retention = r.Time() ?? throw ByteReader.Damaged(),
            SealTimeout = r.Time(),
            Defaults = ReadOptions(ref r),
        }, submittedAt)
        {
            Trace = new TraceContext(NullIfEmpty(r.Text()), NullIfEmpty(r.Text())),
        };
    }

    public static ReadOnlyMemory<byte> Write(JobId job, in JobSummary s)
    {
        ByteWriter w = Blob.Begin(BlobKind.Summary, 64);
        w.Byte((byte)s.State);
        w.Byte((byte)s.Reason);
        w.Count(s.Counts.Queued);
        w.Count(s.Counts.Running);
        w.Count(s.Counts.Waiting);
        w.Count(s.Counts.Canceling);
        w.Count(s.Counts.Succeeded);
        w.Count(s.Counts.Failed);
        w.Count(s.Counts.Canceled);
        w.Count(s.ItemCount);
        w.Count(s.CompletionCount);
        w.Count(s.MaxConcurrency);
        w.Byte((byte)((s.Paused ? 1 : 0) | (s.Open ? 2 : 0)));
        w.Signed(s.FinishedAt?.Micros ?? -1);
        w.Count(s.PageCount);
        w.Count(s.RecordCount);
        return Blob.Seal(w, job, 0);
    }

    public static JobSummary ReadSummary(JobId job, ReadOnlyMemory<byte> blob)
    {
        var r = new ByteReader(Blob.Open(blob, BlobKind.Summary, job, 0).Span);
        var state = r.Enum<JobState>();
        var reason = r.Enum<Reason>();
        var counts = new JobCounts(r.Count(), r.Count(), r.Count(), r.Count(), r.Count(), r.Count(), r.Count());
        int items = r.Count(), completions = r.Count(), maxConcurrency = r.Count();
        byte flags = r.Byte();
        long finishedAt = r.Signed();
        return new JobSummary
        {
            State = state,
            Reason = reason,
            Counts = counts,
            ItemCount = items,
            CompletionCount = completions,
            MaxConcurrency = maxConcurrency,
            Paused = (flags & 1) != 0,
            Open = (flags & 2) != 0,
            FinishedAt = finishedAt < 0 ? null : new Instant(finishedAt),
            PageCount = r.Count(),
            RecordCount = r.Count(),
        };
    }

    public static void Write(ByteWriter w, TaskProfile profile)
    {
        w.Text(profile.Handler);
        w.Count(profile.Retries);
        w.Time(profile.Backoff);
        w.Time(profile.MaxBackoff);
        w.Time(profile.Timeout);
        w.Time(profile.Deadline);
        w.Time(profile.CancelGrace);
        w.Count(profile.MaxInterruptions);
    }

    public static TaskProfile ReadProfile(ref ByteReader r) => new()
    {
        Handler = r.Text(),
        Retries = r.Count(),
        Backoff = r.Time() ?? throw ByteReader.Damaged(),
        MaxBackoff = r.Time() ?? throw ByteReader.Damaged(),
        Timeout = r.Time(),
        Deadline = r.Time(),
        CancelGrace = r.Time() ?? throw ByteReader.Damaged(),
        MaxInterruptions = r.Count(),
    };

    private static void Write(ByteWriter w, TaskOptions options)
    {
        w.Signed(options.Retries ?? -1);
        w.Time(options.Backoff);
        w.Time(options.MaxBackoff);
        w.Time(Bound(options.Timeout));
        w.Time(Bound(options.Deadline));
        w.Time(options.CancelGrace);
        w.Signed(options.MaxInterruptions ?? -1);
    }

    private static TaskOptions ReadOptions(ref ByteReader r)
    {
        long retries = r.Signed();
        TimeSpan? backoff = r.Time(), maxBackoff = r.Time(), timeout = r.Time(), deadline = r.Time(), grace = r.Time();
        long interruptions = r.Signed();
        return new TaskOptions
        {
            Retries = retries < 0 ? null : (int)retries,
            Backoff = backoff,
            MaxBackoff = maxBackoff,
            Timeout = timeout,
            Deadline = deadline,
            CancelGrace = grace,
            MaxInterruptions = interruptions < 0 ? null : (int)interruptions,
        };
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    // "No limit" at the job itself is the same as saying nothing.
    private static TimeSpan? Bound(TimeSpan? time) => time == Timeout.InfiniteTimeSpan ? null : time;
}
