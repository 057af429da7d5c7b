namespace Granary.Grains;

/// <summary>A row on its way from what is stored to what shall be.</summary>
internal class RowChange(JobId job, HeldRow held)
{
    public JobId Job { get; } = job;

    /// <summary>What is stored, as far as is known.</summary>
    public HeldRow Held { get; set; } = held;

    /// <summary>What shall be; null while there is none.</summary>
    public JobRow? After { get; set; } = held.Job;

    public bool IsChange => !ReferenceEquals(After, Held.Job);
}
