namespace Granary;

/// <summary>What a batch does when one of its items fails. Persisted: zero is invalid.</summary>
public enum FailurePolicy : byte
{
    /// <summary>The others go on; the failure is a value in the ordered result. The default.</summary>
    Continue = 1,

    /// <summary>What has not started is canceled, what runs is let finish, and the batch fails.</summary>
    CancelPending = 2,
}
