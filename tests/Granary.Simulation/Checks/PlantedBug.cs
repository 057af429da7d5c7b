namespace Granary.Simulation.Checks;

/// <summary>Faults that tests plant, to see that the checks find them. None of them is in the engine: they sit in
/// what the simulation puts around it.</summary>
internal enum PlantedBug
{
    None = 0,

    /// <summary>A submission is acknowledged before it is written.</summary>
    AcknowledgedEarly,

    /// <summary>What a running job has recorded is taken for durable before it is.</summary>
    ShownEarly,

    /// <summary>A chain's next step starts before the outcome of the step before it is durable.</summary>
    StepStartedEarly,

    /// <summary>The store takes writes of holders that have been replaced.</summary>
    NoFencing,

    /// <summary>A recorded outcome is replaced by another.</summary>
    OutcomeOverwritten,

    /// <summary>The result of one task is recorded as another's.</summary>
    ResultsSwapped,

    /// <summary>A task that waits for its retry keeps its slot.</summary>
    SlotLeaked,

    /// <summary>That somebody canceled is not recorded.</summary>
    CancelNotDurable,

    /// <summary>A new pool size is not recorded.</summary>
    ResizeNotDurable,

    /// <summary>A pause is not recorded.</summary>
    PauseForgotten,

    /// <summary>A page of completions leaves one out.</summary>
    CursorGap,

    /// <summary>A submission with a known key makes another job.</summary>
    SubmitKeyIgnored,

    /// <summary>The key of an append is not recorded.</summary>
    AppendKeyForgotten,

    /// <summary>One group of the commit takes two writes of one job.</summary>
    TwoTakes,

    /// <summary>An activation is not woken when something is due.</summary>
    LostWakeUp,

    /// <summary>A task that ran when the process died is not started again.</summary>
    TaskNotRestarted,

    /// <summary>A write that failed is taken for done.</summary>
    FailureIgnored,

    /// <summary>The store says that it has written, and has not.</summary>
    WriteLost,
}
