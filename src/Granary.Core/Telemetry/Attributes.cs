namespace Granary.Telemetry;

/// <summary>The names of all attributes, of spans and of metrics.</summary>
internal static class Attributes
{
    public const string JobId = "granary.job.id";
    public const string JobKind = "granary.job.kind";
    public const string Existed = "granary.submission.existed";
    public const string Path = "granary.task.path";
    public const string Node = "granary.task.node";
    public const string Args = "granary.task.args";
    public const string Result = "granary.task.result";
    public const string Handler = "granary.handler";
    public const string Attempt = "granary.attempt";
    public const string End = "granary.attempt.end";
    public const string State = "granary.state";
    public const string Reason = "granary.reason";
    public const string Succeeded = "granary.job.succeeded";
    public const string Failed = "granary.job.failed";
    public const string Canceled = "granary.job.canceled";
    public const string Running = "granary.job.running";
    public const string ErrorType = "error.type";
}
