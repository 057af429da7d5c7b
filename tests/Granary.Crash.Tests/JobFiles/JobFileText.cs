using System.Globalization;
using System.Text;
using System.Text.Json;
using Granary.Cli;

namespace Granary.Crash.Tests.JobFiles;

/// <summary>What a job file means, as one text: as the command reads it, or straight from its JSON.</summary>
internal static class JobFileText
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 1_000 };

    /// <summary>As the command reads it.</summary>
    public static string OfCommand(byte[] file, IReadOnlyCollection<string> handlers)
    {
        using var stream = new MemoryStream(file);
        var reader = new JobFileReader(stream, "job.json", handlers);
        Item[] items = [.. reader.ReadItems()];
        JobSpec spec = reader.Spec;
        var text = new StringBuilder(spec.Kind.ToString());
        if (spec.Kind == JobKind.Batch) Pool(text, spec.MaxConcurrency, spec.OnFailure);
        Options(text, spec.Defaults);
        Field(text, "deadline", spec.Deadline);
        text.Append(CultureInfo.InvariantCulture, $" {spec.Key} {spec.Name} {spec.Delay.Ticks} {spec.Retention.Ticks}");
        Items(text, items);
        return text.ToString();
    }

    /// <summary>Straight from its JSON.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static string OfJson(byte[] file)
    {
        using JsonDocument document = JsonDocument.Parse(WithoutMark(file), s_strict);
        JsonElement root = document.RootElement;
        bool isBatch = root.TryGetProperty("batch", out JsonElement job);
        if (!isBatch) job = root.GetProperty("chain");
        var text = new StringBuilder(isBatch ? "Batch" : "Chain");
        bool isList = job.ValueKind == JsonValueKind.Array;
        if (isBatch) Pool(text, job);
        Options(text, isList ? default : job);
        Field(text, "deadline", Time(job, "deadline"));
        long delay = Time(job, "delay")?.Ticks ?? 0;
        long retention = (Time(job, "retention") ?? JobDefaults.Retention).Ticks;
        text.Append(CultureInfo.InvariantCulture, $" {Text(job, "key")} {Text(job, "name")} {delay} {retention}");
        Items(text, isList ? job : job.GetProperty(isBatch ? "items" : "steps"));
        return text.ToString();
    }

    private static void Items(StringBuilder text, IEnumerable<Item> items)
    {
        text.Append('[');
        foreach (Item item in items)
        {
            switch (item)
            {
                case TaskItem task:
                    string args = Encoding.UTF8.GetString(task.Args.Span);
                    text.Append(CultureInfo.InvariantCulture, $"task {task.Handler} {args}");
                    Options(text, task.Options);
                    Field(text, "deadline", task.Options.Deadline);
                    break;
                case WaitItem wait:
                    text.Append(CultureInfo.InvariantCulture, $"wait {wait.Duration.Ticks}");
                    break;
                case BatchItem batch:
                    text.Append("batch");
                    Pool(text, batch.MaxConcurrency, batch.OnFailure);
                    Options(text, batch.Defaults);
                    Field(text, "deadline", batch.Deadline);
                    Items(text, batch.Items);
                    break;
                case ChainItem chain:
                    text.Append("chain");
                    Options(text, chain.Defaults);
                    Field(text, "deadline", chain.Deadline);
                    Items(text, chain.Steps);
                    break;
            }
            text.Append(';');
        }
        text.Append(']');
    }

    private static void Items(StringBuilder text, JsonElement items)
    {
        text.Append('[');
        foreach (JsonElement item in items.EnumerateArray())
        {
            if (item.TryGetProperty("task", out JsonElement handler))
            {
                string args = item.TryGetProperty("args", out JsonElement value) ? Compact(value) : "";
                text.Append(CultureInfo.InvariantCulture, $"task {handler.GetString()} {args}");
                Options(text, item);
                Field(text, "deadline", Time(item, "deadline"));
            }
            else if (item.TryGetProperty("wait", out _))
            {
                text.Append(CultureInfo.InvariantCulture, $"wait {Time(item, "wait")!.Value.Ticks}");
            }
            else
            {
                Group(text, item);
            }
            text.Append(';');
        }
        text.Append(']');
    }

    private static void Group(StringBuilder text, JsonElement item)
    {
        bool isBatch = item.TryGetProperty("batch", out JsonElement group);
        if (!isBatch) group = item.GetProperty("chain");
        text.Append(isBatch ? "batch" : "chain");
        if (isBatch) Pool(text, group);
        bool isList = group.ValueKind == JsonValueKind.Array;
        Options(text, isList ? default : group);
        Field(text, "deadline", Time(group, "deadline"));
        Items(text, isList ? group : group.GetProperty(isBatch ? "items" : "steps"));
    }

    private static void Pool(StringBuilder text, int size, FailurePolicy policy) =>
        text.Append(CultureInfo.InvariantCulture, $" {size} {policy}");

    private static void Pool(StringBuilder text, JsonElement group) => Pool(
        text, Number(group, "maxConcurrency") ?? JobDefaults.MaxConcurrency,
        Text(group, "onFailure") == "cancelPending" ? FailurePolicy.CancelPending : FailurePolicy.Continue);

    private static void Options(StringBuilder text, TaskOptions options)
    {
        text.Append(CultureInfo.InvariantCulture, $" {options.Retries} {options.MaxInterruptions}");
        Field(text, "backoff", options.Backoff);
        Field(text, "maxBackoff", options.MaxBackoff);
        Field(text, "timeout", options.Timeout);
        Field(text, "cancelGrace", options.CancelGrace);
    }

    private static void Options(StringBuilder text, JsonElement from) => Options(text, new TaskOptions
    {
        Retries = Number(from, "retries"),
        MaxInterruptions = Number(from, "maxInterruptions"),
        Backoff = Time(from, "backoff"),
        MaxBackoff = Time(from, "maxBackoff"),
        Timeout = Text(from, "timeout") == "none" ? Timeout.InfiniteTimeSpan : Time(from, "timeout"),
        CancelGrace = Time(from, "cancelGrace"),
    });

    private static void Field(StringBuilder text, string name, TimeSpan? time)
    {
        if (time is { } value) text.Append(CultureInfo.InvariantCulture, $" {name}={value.Ticks}");
    }

    private static JsonElement? Find(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out JsonElement value) ? value : null;

    private static int? Number(JsonElement of, string name) => Find(of, name)?.GetInt32();

    private static string? Text(JsonElement of, string name) => Find(of, name)?.GetString();

    // A number of milliseconds and so on, read in another way than the command does.
    private static TimeSpan? Time(JsonElement of, string name)
    {
        if (Text(of, name) is not { } text) return null;
        decimal ticks = 0;
        for (int at = 0; at < text.Length;)
        {
            int unit = at;
            while (char.IsDigit(text[unit]) || text[unit] == '.') unit++;
            int end = unit;
            while (end < text.Length && char.IsLetter(text[end])) end++;
            decimal number = decimal.Parse(text[at..unit], CultureInfo.InvariantCulture);
            ticks += number * text[unit..end] switch
            {
                "d" => TimeSpan.TicksPerDay,
                "h" => TimeSpan.TicksPerHour,
                "m" => TimeSpan.TicksPerMinute,
                "s" => TimeSpan.TicksPerSecond,
                "ms" => TimeSpan.TicksPerMillisecond,
                var other => throw new FormatException($"'{other}' is no unit."),
            };
            at = end;
        }
        return new TimeSpan((long)ticks);
    }

    // White space between tokens means nothing; everything else stays as it was written, but for control characters,
    // which mean the same when they are escaped.
    private static string Compact(JsonElement value)
    {
        var text = new StringBuilder();
        bool quoted = false, escaped = false;
        foreach (char c in value.GetRawText())
        {
            if (!quoted && c is ' ' or '\t' or '\r' or '\n' && !quoted) continue;
            if (c is >= '\u007f' and < '\u00a0') text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else text.Append(c);
            if (c == '"' && !escaped) quoted = !quoted;
            escaped = c == '\\' && !escaped;
        }
        return text.ToString();
    }

    private static ReadOnlyMemory<byte> WithoutMark(byte[] file) =>
        file.AsSpan().StartsWith("\uFEFF"u8) ? file.AsMemory(3) : file;
}
