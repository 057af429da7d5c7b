namespace Granary.Batches;

/// <summary>A running attempt.</summary>
/// <param name="Number">Which one, from 1.</param>
/// <param name="StartedAt">When it was decided on.</param>
/// <param name="ReadyAt">When the task became ready, or its pause was over; never, where an attempt before it was lost
/// or given back.</param>
internal readonly record struct RunningAttempt(int Number, Instant StartedAt, Instant ReadyAt);
