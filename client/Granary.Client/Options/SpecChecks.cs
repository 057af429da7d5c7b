using Granary.Engines;

namespace Granary;

/// <summary>Refuses bad settings before anything is sent. Engines check again, and check the items.</summary>
internal static class SpecChecks
{
    public static JobSpec Check(string options, JobSpec spec)
    {
        Pool($"{options}.{nameof(JobSpec.MaxConcurrency)}", spec.MaxConcurrency);
        if (!Enum.IsDefined(spec.OnFailure))
            Refuse($"{options}.{nameof(JobSpec.OnFailure)}", spec.OnFailure, "Use Continue or CancelPending.");
        if (spec.Defaults is null)
            Refuse($"{options}.{nameof(JobSpec.Defaults)}", "null", "Use TaskOptions.Inherit for none.");
        if (spec.Deadline is { } deadline)
            Span($"{options}.{nameof(JobSpec.Deadline)}", deadline, zero: false, "Leave it null for no limit.");
        if (spec.SealTimeout is { } seal)
            Span($"{options}.{nameof(JobSpec.SealTimeout)}", seal, zero: false, "Leave it null for a sealed batch.");
        Span($"{options}.{nameof(JobSpec.Delay)}", spec.Delay, zero: true, "Use zero to start at once.");
        Span($"{options}.{nameof(JobSpec.Retention)}", spec.Retention, zero: true, "Leave it out for 7 days.");
        if (spec.Name is null) Refuse($"{options}.{nameof(JobSpec.Name)}", "null", "Leave it empty for none.");
        Length($"{options}.{nameof(JobSpec.Name)}", spec.Name!);
        if (spec.Key is null) return spec;
        if (string.IsNullOrWhiteSpace(spec.Key))
            Refuse($"{options}.{nameof(JobSpec.Key)}", "blank", "Leave it null for a submission without a key.");
        Length($"{options}.{nameof(JobSpec.Key)}", spec.Key);
        return spec;
    }

    public static void Pool(string setting, int value)
    {
        if (value is < 1 or > JobDefaults.MaxConcurrencyLimit)
            Refuse(setting, value, $"A pool has 1 to {JobDefaults.MaxConcurrencyLimit:N0} slots.");
    }

    public static void Key(string? key)
    {
        if (key is null) return;
        if (string.IsNullOrWhiteSpace(key)) Refuse("The key", "blank", "Leave it null for none.");
        Length("The key", key);
    }

    private static void Span(string setting, TimeSpan value, bool zero, string fix)
    {
        if (value < TimeSpan.Zero || (value == TimeSpan.Zero && !zero))
            Refuse(setting, value, $"Use a positive time. {fix}");
        if (value > JobDefaults.MaxTime)
            Refuse(setting, value, $"Use at most {JobDefaults.MaxTime.TotalDays:N0} days. {fix}");
    }

    private static void Length(string setting, string value)
    {
        if (value.Length > JobDefaults.MaxNameLength)
            Refuse(setting, $"{value.Length:N0} characters long", $"Use at most {JobDefaults.MaxNameLength}.");
    }

    private static void Refuse(string setting, object value, string fix) =>
        throw new RefusedException(Refusal.Invalid, $"{setting} is {value}. {fix}");
}
