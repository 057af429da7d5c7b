namespace Granary.Batches;

/// <summary>How many outcomes of tasks and waits there have been; never fewer than before.</summary>
internal readonly record struct TaskEnds(int Succeeded, int Failed, int Canceled);
