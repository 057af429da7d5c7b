using System.Diagnostics;
using System.Text;
using Granary.Batches;
using Granary.Engines;

namespace Granary.Telemetry;

/// <summary>Makes and ends the spans. Each is null, and costs nothing, where nobody listens.</summary>
internal static class Spans
{
    private static readonly ActivitySource s_source = new(GranaryTelemetry.SourceName, GranaryTelemetry.Version);

    public static bool AreOn => s_source.HasListeners();

    /// <summary>A client submits.</summary>
    public static Task<Submission> SubmitAsync(JobKind kind, Func<Task<Submission>> submit) =>
        FollowAsync(SpanNames.Submit, ActivityKind.Producer, kind, _ => submit());

    /// <summary>An engine takes a submission in; the job refers to this span.</summary>
    public static Task<Submission> AcceptAsync(JobKind kind, Func<TraceContext, Task<Submission>> submit) =>
        FollowAsync(SpanNames.Accept, ActivityKind.Internal, kind, submit);

    private static async Task<Submission> FollowAsync(
        string name, ActivityKind side, JobKind kind, Func<TraceContext, Task<Submission>> submit)
    {
        using Activity? span = s_source.StartActivity(Name(name, kind), side);
        try
        {
            span?.SetTag(Attributes.JobKind, Word(kind));
            Submission submission = await submit(TraceContext.Current);
            span?.SetTag(Attributes.JobId, submission.Job.ToString());
            if (submission.Existed) span?.SetTag(Attributes.Existed, true);
            return submission;
        }
        catch (Exception e)
        {
            // The message stays out: it may quote arguments.
            Fail(span, e is RefusedException refused ? refused.Refusal.ToString() : e.GetType().FullName!, null);
            throw;
        }
    }

    /// <summary>A submission has found the job that has its key.</summary>
    public static void FindEarlier(TraceContext earlier)
    {
        if (Activity.Current is { } span && span.Source == s_source && earlier.Parent is not null)
            span.AddLink(new ActivityLink(earlier.ToActivityContext()));
    }

    /// <summary>A job is taken over. Belongs to the submission's trace, and is also linked to it.</summary>
    public static Activity? Recover(JobHeader header, int running)
    {
        if (!AreOn) return null;
        Activity? span = Create(
            Name(SpanNames.Recover, header.Spec.Kind), ActivityKind.Internal, header.Trace, header.Trace);
        if (span is null) return null;
        span.SetTag(Attributes.JobId, header.Id.ToString());
        span.SetTag(Attributes.JobKind, Word(header.Spec.Kind));
        span.SetTag(Attributes.Running, running);
        StartAside(span);
        return span;
    }

    /// <summary>A job has ended: one span from its begin to its end, written afterwards.</summary>
    public static void Run(BatchState job)
    {
        if (!AreOn) return;
        JobHeader header = job.Header;
        string name = Name(SpanNames.Run, header.Spec.Kind);
        if (job.FinishedAt is not { } end
            || Create(name, ActivityKind.Internal, header.Trace, default) is not { } span)
            return;
        ref Node root = ref job.Nodes[0];
        span.SetTag(Attributes.JobId, header.Id.ToString());
        span.SetTag(Attributes.JobKind, Word(header.Spec.Kind));
        span.SetTag(Attributes.State, root.State.ToString());
        span.SetTag(Attributes.Succeeded, job.Tree.Counts.Succeeded);
        span.SetTag(Attributes.Failed, job.Tree.Counts.Failed);
        span.SetTag(Attributes.Canceled, job.Tree.Counts.Canceled);
        if (root.Reason != Reason.None) span.SetTag(Attributes.Reason, root.Reason.ToString());
        if (root.State == JobState.Failed)
            Fail(span, root.Reason == Reason.None ? "TaskFailed" : root.Reason.ToString(), null);
        Instant begin = job.Root.IsReached ? job.Root.ReachedAt : header.SubmittedAt;
        span.SetStartTime(begin.ToTime().UtcDateTime);
        StartAside(span);
        span.SetEndTime(end.ToTime().UtcDateTime);
        StopAside(span);
    }

    /// <summary>An attempt, to be started by the thread that calls the handler.</summary>
    public static Activity? Process(JobId job, int node, int attempt, string handler, AttemptTrace trace)
    {
        if (!AreOn) return null;
        Activity? span = Create(
            SpanNames.Process.Replace("{handler}", handler, StringComparison.Ordinal), ActivityKind.Consumer,
            trace.Parent, trace.Link);
        if (span is null) return null;
        span.SetTag(Attributes.JobId, job.ToString());
        span.SetTag(Attributes.Path, trace.Path);
        span.SetTag(Attributes.Node, node);
        span.SetTag(Attributes.Attempt, attempt);
        span.SetTag(Attributes.Handler, handler);
        return span;
    }

    /// <summary>The handler is called now, on this thread.</summary>
    public static void Begin(Activity span, ReadOnlyMemory<byte> args, TelemetryOptions options)
    {
        span.Start();
        if (options.MaxContentLength > 0) span.SetTag(Attributes.Args, Cut(args, options.MaxContentLength));
    }

    /// <summary>An attempt has ended, perhaps without the handler's having come back.</summary>
    public static void End(Activity span, in AttemptResult result, TelemetryOptions options)
    {
        if (span.Id is null) StartAside(span);
        span.SetTag(Attributes.End, result.End.ToString());
        if (result.Reason > Reason.None) span.SetTag(Attributes.Reason, result.Reason.ToString());
        if (options.MaxContentLength > 0 && result.End == AttemptEnd.Succeeded)
            span.SetTag(Attributes.Result, Cut(result.Value, options.MaxContentLength));
        if (result.Error is { } error)
            Fail(span, error.Type, options.MaxContentLength > 0 ? Cut(error.Message, options.MaxContentLength) : null);
        else if (result.End is not (AttemptEnd.Succeeded or AttemptEnd.Stopped or AttemptEnd.Released))
            Fail(span, result.End.ToString(), null);
        StopAside(span);
    }

    /// <summary>Stops a span that is another thread's current one, and leaves this thread's as it is.</summary>
    public static void StopAside(Activity span)
    {
        Activity? current = Activity.Current;
        span.Stop();
        Activity.Current = current;
    }

    private static void StartAside(Activity span)
    {
        Activity? current = Activity.Current;
        span.Start();
        Activity.Current = current;
    }

    // Turns are taken on many threads, clients' among them: what is current there is not the parent.
    private static Activity? Create(string name, ActivityKind kind, TraceContext parent, TraceContext link)
    {
        Activity? current = Activity.Current;
        Activity.Current = null;
        ActivityLink[]? links = link.Parent is null ? null : [new ActivityLink(link.ToActivityContext())];
        Activity? span = s_source.CreateActivity(name, kind, parent.ToActivityContext(), null, links);
        Activity.Current = current;
        return span;
    }

    private static void Fail(Activity? span, string type, string? message)
    {
        span?.SetTag(Attributes.ErrorType, type);
        span?.SetStatus(ActivityStatusCode.Error, message);
    }

    private static string Name(string name, JobKind kind) =>
        name.Replace("{kind}", Word(kind), StringComparison.Ordinal);

    private static string Word(JobKind kind) => kind == JobKind.Batch ? "batch" : "chain";

    private static string Cut(ReadOnlyMemory<byte> json, int length) =>
        Cut(Encoding.UTF8.GetString(json.Span[..Math.Min(json.Length, 4 * length)]), length);

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..length];
}
