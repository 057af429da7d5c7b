using Granary.Engines;
using Granary.Simulation.Worlds;

namespace Granary.Simulation.Plans;

/// <summary>What a step of a plan does.</summary>
internal enum StepKind : byte
{
    Submit = 1,
    Append = 2,
    Seal = 3,
    Cancel = 4,
    Resize = 5,
    Pause = 6,
    Resume = 7,
    Retry = 8,
    Read = 9,
    Again = 10,
    Crash = 11,
    StartSecond = 12,
    Stop = 13,
    CommitFault = 14,
    ReadFault = 15,
    Jump = 16,
}

/// <summary>One thing that clients do, or that happens to them.</summary>
internal sealed record PlanStep
{
    public required StepKind Kind { get; init; }

    /// <summary>Steps of the world before it.</summary>
    public int Gap { get; init; }

    /// <summary>Which job of the plan.</summary>
    public int Job { get; init; }

    /// <summary>Pool size, number of times, or seconds, as the kind says.</summary>
    public int Number { get; init; }

    public CancelScope Scope { get; init; }
    public CommitFault Fault { get; init; }

    /// <summary>What is appended, and under which key.</summary>
    public IReadOnlyList<Item> Items { get; init; } = [];

    public string? Key { get; init; }

    public bool IsFault => Kind >= StepKind.Crash;

    public override string ToString() => $"+{Gap} {Kind}" + Kind switch
    {
        StepKind.Append => $" job {Job}, {Items.Count} items, key {Key ?? "none"}",
        StepKind.Cancel => $" job {Job}, {Scope}",
        StepKind.Resize => $" job {Job} to {Number}",
        <= StepKind.Again => $" job {Job}",
        StepKind.CommitFault => $" {Fault} × {Number}",
        StepKind.ReadFault => $" × {Number}",
        StepKind.Jump => $" {Number} s",
        _ => "",
    };
}

/// <summary>A job that the plan submits.</summary>
internal sealed record JobPlan(JobSpec Spec, IReadOnlyList<Item> Items);

/// <summary>Everything that a history is made of besides chance.</summary>
internal sealed record Plan
{
    public required ulong Seed { get; init; }
    public required IReadOnlyList<JobPlan> Jobs { get; init; }
    public required IReadOnlyList<PlanStep> Steps { get; init; }
}
