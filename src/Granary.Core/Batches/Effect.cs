namespace Granary.Batches;

/// <summary>What a shell does after a turn.</summary>
internal enum EffectKind : byte
{
    /// <summary>Run an attempt of the node.</summary>
    Start = 1,

    /// <summary>Signal the attempt to stop.</summary>
    Stop = 2,
}

/// <summary>One thing to do. Doing it twice does no harm: attempts are named by their number.</summary>
/// <param name="Kind">What.</param>
/// <param name="Node">Which task.</param>
/// <param name="Attempt">Which attempt.</param>
/// <param name="AfterDurable">Only once everything decided so far is durable; otherwise at once.</param>
internal readonly record struct Effect(EffectKind Kind, int Node, int Attempt, bool AfterDurable);
