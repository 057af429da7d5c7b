namespace Granary.Batches;

/// <summary>What becomes due.</summary>
internal enum DueKind : byte
{
    Begin = 1,
    Node = 2,
    TaskDeadline = 3,
    ContainerDeadline = 4,
    Seal = 5,
}

/// <summary>Something that happens at a time, unless it is overtaken.</summary>
internal readonly record struct Due(DueKind Kind, int Node, Instant At);
