using Granary.Batches;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;
using Granary.Telemetry;

namespace Granary.Grains;

/// <summary>Between Core's words, which know nothing of Orleans, and what travels.</summary>
internal static class WireConversions
{
    private const byte Task = 1, Wait = 2, Chain = 3, Batch = 4;

    public static PageWire ToWire(this StoredPage page) => new(page.Number, page.Shape.ToArray(), page.Args.ToArray());

    public static StoredPage ToPage(this PageWire page) => new(page.Number, page.Shape, page.Args);

    public static StatusWire ToWire(this StoredJob job) =>
        new(job.Job.Value, job.Header.ToArray(), job.Summary.ToArray(), 0, null);

    public static JobStatus ToStatus(this StatusWire wire)
    {
        var job = new JobId(wire.Job);
        JobStatus status = JobCodec.ReadSummary(job, wire.Summary).ToStatus(JobCodec.ReadHeader(job, wire.Header));
        return wire.Rate <= 0 ? status : status with { Rate = wire.Rate, ExpectedEnd = wire.ExpectedEnd };
    }

    public static OutcomeWire ToWire(this Outcome outcome) => new()
    {
        Index = outcome.Index,
        Sequence = outcome.Sequence,
        State = (byte)outcome.State,
        Reason = (byte)outcome.Reason,
        Value = outcome.Value.ToArray(),
        Error = outcome.Error?.ToWire(),
        Attempts = outcome.Attempts,
        StartedAt = outcome.StartedAt,
        Duration = outcome.Duration,
        Place = outcome.Place,
    };

    public static Outcome ToOutcome(this OutcomeWire wire) => new()
    {
        Index = wire.Index,
        Sequence = wire.Sequence,
        State = (JobState)wire.State,
        Reason = (Reason)wire.Reason,
        Value = wire.Value,
        Error = wire.Error?.ToError(),
        Attempts = wire.Attempts,
        StartedAt = wire.StartedAt,
        Duration = wire.Duration,
        Place = wire.Place,
    };

    private static ErrorWire ToWire(this TaskError error) =>
        new(error.Type, error.Message, error.Detail, error.Data.ToArray());

    private static TaskError ToError(this ErrorWire wire) => new()
    {
        Type = wire.Type,
        Message = wire.Message,
        Detail = wire.Detail,
        Data = wire.Data,
    };

    public static PendingWire ToWire(this PendingTask task) => new()
    {
        Node = task.Node,
        Path = task.Path,
        Handler = task.Handler,
        State = (byte)task.State,
        Reason = (byte)task.Reason,
        Attempts = task.Attempts,
        DueAt = task.DueAt,
        StartedAt = task.StartedAt,
        Progress = task.Progress?.ToWire(),
        LastError = task.LastError,
    };

    public static PendingTask ToTask(this PendingWire wire) => new()
    {
        Node = wire.Node,
        Path = wire.Path,
        Handler = wire.Handler,
        State = (JobState)wire.State,
        Reason = (Reason)wire.Reason,
        Attempts = wire.Attempts,
        DueAt = wire.DueAt,
        StartedAt = wire.StartedAt,
        Progress = wire.Progress?.ToProgress(),
        LastError = wire.LastError,
    };

    public static ProgressWire ToWire(this TaskProgress progress) => new(progress.Fraction, progress.Note);

    public static TaskProgress ToProgress(this ProgressWire wire) => new(wire.Fraction, wire.Note);

    public static SpanWire ToWire(this TimelineSpan span) => new(
        span.Node, span.Path, span.Handler, span.Attempt, (byte)span.State, (byte)span.Reason, span.Start, span.End);

    public static TimelineSpan ToSpan(this SpanWire wire) => new(
        wire.Node, wire.Path, wire.Handler, wire.Attempt, (JobState)wire.State, (Reason)wire.Reason, wire.Start,
        wire.End);

    public static AttemptReport ToReport(
        this AttemptResult result, AttemptName attempt, string worker, TraceContext span) => new()
    {
        Node = attempt.Node,
        Number = attempt.Number,
        End = (byte)result.End,
        Duration = result.Duration,
        Place = result.Place,
        Value = result.Value.ToArray(),
        Error = result.Error?.ToWire(),
        Reason = (byte)result.Reason,
        Retryable = result.Retryable,
        RetryAfter = result.RetryAfter,
        Worker = worker,
        Span = span.ToWire(),
    };

    public static AttemptResult ToResult(this AttemptReport report) => new()
    {
        End = (AttemptEnd)report.End,
        Duration = report.Duration,
        Place = report.Place,
        Value = report.Value,
        Error = report.Error?.ToError(),
        Reason = (Reason)report.Reason,
        Retryable = report.Retryable,
        RetryAfter = report.RetryAfter,
    };

    public static TraceWire ToWire(this AttemptTrace trace) =>
        new(trace.Path, trace.Parent.ToWire(), trace.Link.ToWire());

    public static AttemptTrace ToTrace(this TraceWire wire) =>
        new(wire.Path, wire.Parent.ToContext(), wire.Link.ToContext());

    private static TraceContextWire ToWire(this TraceContext context) => new(context.Parent, context.State);

    public static TraceContext ToContext(this TraceContextWire wire) => new(wire.Parent, wire.State);

    public static ItemWire ToWire(this Item item) => item switch
    {
        TaskItem task => new()
        {
            Kind = Task, Handler = task.Handler, Args = task.Args.ToArray(), Options = task.Options.ToWire(),
        },
        WaitItem wait => new() { Kind = Wait, Wait = wait.Duration },
        ChainItem chain => new()
        {
            Kind = Chain, Children = ToWire(chain.Steps), Options = chain.Defaults.ToWire(), Deadline = chain.Deadline,
        },
        BatchItem batch => new()
        {
            Kind = Batch,
            Children = ToWire(batch.Items),
            Options = batch.Defaults.ToWire(),
            Deadline = batch.Deadline,
            MaxConcurrency = batch.MaxConcurrency,
            OnFailure = (byte)batch.OnFailure,
        },
        _ => new(),
    };

    public static ItemWire[] ToWire(this IReadOnlyList<Item> items) => [.. items.Select(ToWire)];

    // What is none of these is null, which the page writer refuses with its place.
    public static Item ToItem(this ItemWire wire) => wire.Kind switch
    {
        Task => new TaskItem(wire.Handler, wire.Args) { Options = wire.Options.ToOptions() },
        Wait => new WaitItem(wire.Wait),
        Chain => new ChainItem([.. wire.Children.Select(ToItem)])
        {
            Defaults = wire.Options.ToOptions(),
            Deadline = wire.Deadline,
        },
        Batch => new BatchItem([.. wire.Children.Select(ToItem)])
        {
            Defaults = wire.Options.ToOptions(),
            Deadline = wire.Deadline,
            MaxConcurrency = wire.MaxConcurrency,
            OnFailure = (FailurePolicy)wire.OnFailure,
        },
        _ => null!,
    };

    private static OptionsWire? ToWire(this TaskOptions options) => options == TaskOptions.Inherit ? null : new(
        options.Retries, options.Backoff, options.MaxBackoff, options.Timeout, options.Deadline, options.CancelGrace,
        options.MaxInterruptions);

    private static TaskOptions ToOptions(this OptionsWire? wire) => wire is null ? TaskOptions.Inherit : new()
    {
        Retries = wire.Retries,
        Backoff = wire.Backoff,
        MaxBackoff = wire.MaxBackoff,
        Timeout = wire.Timeout,
        Deadline = wire.Deadline,
        CancelGrace = wire.CancelGrace,
        MaxInterruptions = wire.MaxInterruptions,
    };
}
