using Granary.Engines;

namespace Granary;

/// <summary>
/// Every check of what a submission may say, in one place. A broken rule is refused with the setting's name and the
/// mend.
/// </summary>
internal static class SpecRules
{
    public static void Check(JobSpec spec)
    {
        CheckPool("maxConcurrency", spec.MaxConcurrency);
        CheckPolicy("onFailure", spec.OnFailure);
        CheckOptions("defaults", spec.Defaults);
        CheckLimit("deadline", spec.Deadline);
        CheckTime("delay", spec.Delay);
        CheckTime("retention", spec.Retention);
        CheckLimit("sealTimeout", spec.SealTimeout);
        CheckText("name", spec.Name);
        if (spec.Key is { } key)
        {
            CheckText("key", key);
            if (string.IsNullOrWhiteSpace(key)) throw Invalid("key", "is empty", "leave it out, or give it a text");
        }
        if (spec.SealTimeout is not null && spec.Kind == JobKind.Chain)
            throw Invalid("sealTimeout", "is set on a chain", "only a batch can be open");
    }

    public static void CheckPool(string setting, int maxConcurrency)
    {
        if (maxConcurrency is < 1 or > JobDefaults.MaxConcurrencyLimit)
            throw Invalid(
                setting, $"is {maxConcurrency}", $"a pool has 1 to {JobDefaults.MaxConcurrencyLimit:N0} slots");
    }

    public static void CheckPolicy(string setting, FailurePolicy policy)
    {
        if (policy is not (FailurePolicy.Continue or FailurePolicy.CancelPending))
            throw Invalid(setting, $"is {(int)policy}", "use Continue or CancelPending");
    }

    public static void CheckOptions(string setting, TaskOptions options)
    {
        if (ReferenceEquals(options, TaskOptions.Inherit)) return;
        if (options.Retries is < 0 or > 10_000)
            throw Invalid($"{setting}.retries", $"is {options.Retries}", "use 0 to 10,000");
        if (options.MaxInterruptions is < 0 or > 10_000)
            throw Invalid($"{setting}.maxInterruptions", $"is {options.MaxInterruptions}", "use 0 to 10,000");
        CheckTime($"{setting}.backoff", options.Backoff);
        CheckTime($"{setting}.maxBackoff", options.MaxBackoff);
        CheckTime($"{setting}.cancelGrace", options.CancelGrace);
        CheckLimit($"{setting}.timeout", options.Timeout);
        CheckLimit($"{setting}.deadline", options.Deadline);
    }

    public static void CheckTime(string setting, TimeSpan? time)
    {
        if (time < TimeSpan.Zero || time > JobDefaults.MaxTime)
            throw Invalid(setting, $"is {time}", $"use a time from zero to {JobDefaults.MaxTime.TotalDays:N0} days");
    }

    /// <summary>A limit: more than zero, or none.</summary>
    public static void CheckLimit(string setting, TimeSpan? limit)
    {
        if (limit == Timeout.InfiniteTimeSpan) return;
        CheckTime(setting, limit);
        if (limit == TimeSpan.Zero) throw Invalid(setting, "is zero", "leave it out for no limit");
    }

    public static void CheckHandlerName(string path, string handler)
    {
        if (string.IsNullOrWhiteSpace(handler))
            throw Invalid(path, "names no handler", "give the task a handler's name");
        CheckText($"{path}: the handler's name", handler);
    }

    public static RefusedException Invalid(string setting, string what, string mend) =>
        new(Refusal.Invalid, $"{setting} {what}; {mend}.");

    private static void CheckText(string setting, string text)
    {
        if (text.Length > JobDefaults.MaxNameLength)
            throw Invalid(setting, $"has {text.Length:N0} characters", $"use at most {JobDefaults.MaxNameLength}");
    }
}
