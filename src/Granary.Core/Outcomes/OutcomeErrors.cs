namespace Granary;

/// <summary>
/// The errors that rules give, one for each reason; recorded as the reason alone where there is nothing to add.
/// </summary>
internal static class OutcomeErrors
{
    public static TaskError NoHandler(string handler) => TaskError.Of(
        nameof(Reason.NoHandler), $"No handler '{handler}' is registered; register it, and retry what failed.");

    public static TaskError For(Reason reason) => TaskError.Of(reason.ToString(), reason switch
    {
        Reason.TimedOut => "The attempt ran longer than its timeout.",
        Reason.DeadlineExceeded => "The deadline passed before it had ended.",
        Reason.Interrupted =>
            "The process died under it more often than maxInterruptions allows; it may be what kills the process.",
        Reason.SiblingFailed => "Another item of the batch failed.",
        Reason.Abandoned => "It had not stopped when its grace had passed, and may still be running.",
        _ => "It failed.",
    });
}
