using System.Diagnostics;

namespace Granary.Telemetry;

/// <summary>A place in a trace, as the W3C's trace context writes it. Is persisted, and travels.</summary>
/// <param name="Parent">The <c>traceparent</c>; null where there is no trace.</param>
/// <param name="State">The <c>tracestate</c>, up to 512 characters; null where there is none.</param>
internal readonly record struct TraceContext(string? Parent, string? State = null)
{
    /// <summary>The longest state that has to be carried, by the W3C's rule; a longer one is dropped whole.</summary>
    private const int MaxState = 512;

    public static TraceContext Current => Of(Activity.Current);

    public static TraceContext Of(Activity? span) =>
        span is { IdFormat: ActivityIdFormat.W3C, Id: { } id }
            ? new(id, span.TraceStateString is { Length: > 0 and <= MaxState } state ? state : null)
            : default;

    /// <summary>For spans in this process; of what is no trace context, none.</summary>
    public ActivityContext ToActivityContext() =>
        ActivityContext.TryParse(Parent, State, isRemote: true, out ActivityContext context) ? context : default;
}

/// <summary>Where an attempt belongs; travels with its start.</summary>
/// <param name="Path">The task's indexes from the job down, such as <c>7.2.0</c>.</param>
/// <param name="Parent">The span around it; none where it begins a trace.</param>
/// <param name="Link">The submission, where it is not the parent.</param>
internal sealed record AttemptTrace(string Path, TraceContext Parent, TraceContext Link);
