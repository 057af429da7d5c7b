namespace Granary;

/// <summary>What was submitted. Persisted: zero is invalid.</summary>
public enum JobKind : byte
{
    /// <summary>An ordered list of items and a pool.</summary>
    Batch = 1,

    /// <summary>Steps in strict order.</summary>
    Chain = 2,
}
