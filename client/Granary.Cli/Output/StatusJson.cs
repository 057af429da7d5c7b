using System.Text.Json;
using Granary.Engines;

namespace Granary.Cli;

/// <summary>Jobs, pending tasks and timelines as JSON: the documented form of <c>--json</c>.</summary>
internal static class StatusJson
{
    public static void Write(Utf8JsonWriter json, JobStatus job)
    {
        json.WriteStartObject();
        WriteFields(json, job);
        json.WriteEndObject();
    }

    public static void WriteFields(Utf8JsonWriter json, JobStatus job)
    {
        json.WriteString("id"u8, job.Id.ToString());
        json.WriteString("key"u8, job.Spec.Key);
        json.WriteString("name"u8, job.Spec.Name);
        json.WriteString("kind"u8, job.Spec.Kind.ToString());
        json.WriteString("state"u8, job.State.ToString());
        json.WriteString("reason"u8, job.Reason.ToString());
        WriteCounts(json, job.Counts);
        json.WriteNumber("itemCount"u8, job.ItemCount);
        json.WriteNumber("completionCount"u8, job.CompletionCount);
        json.WriteNumber("maxConcurrency"u8, job.MaxConcurrency);
        json.WriteBoolean("paused"u8, job.Paused);
        json.WriteBoolean("open"u8, job.Open);
        json.WriteString("submittedAt"u8, Times.Show(job.SubmittedAt));
        WriteTime(json, "finishedAt", job.FinishedAt);
        json.WriteNumber("rate"u8, Math.Round(job.Rate, 3));
        WriteTime(json, "expectedEnd", job.ExpectedEnd);
    }

    public static void Write(Utf8JsonWriter json, PendingTask task)
    {
        json.WriteStartObject();
        json.WriteNumber("node"u8, task.Node);
        json.WriteString("path"u8, task.Path);
        json.WriteString("handler"u8, task.Handler);
        json.WriteString("state"u8, task.State.ToString());
        json.WriteString("reason"u8, task.Reason.ToString());
        json.WriteNumber("attempts"u8, task.Attempts);
        WriteTime(json, "dueAt", task.DueAt);
        WriteTime(json, "startedAt", task.StartedAt);
        if (task.Progress is { } progress)
        {
            json.WriteStartObject("progress"u8);
            json.WriteNumber("fraction"u8, progress.Fraction);
            json.WriteString("note"u8, progress.Note);
            json.WriteEndObject();
        }
        if (task.LastError.Length > 0) json.WriteString("lastError"u8, task.LastError);
        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, TimelineSpan span)
    {
        json.WriteStartObject();
        json.WriteNumber("node"u8, span.Node);
        json.WriteString("path"u8, span.Path);
        json.WriteString("handler"u8, span.Handler);
        json.WriteNumber("attempt"u8, span.Attempt);
        json.WriteString("state"u8, span.State.ToString());
        json.WriteString("reason"u8, span.Reason.ToString());
        json.WriteString("start"u8, Times.Show(span.Start));
        WriteTime(json, "end", span.End);
        json.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter json, JobCounts counts)
    {
        json.WriteStartObject("counts"u8);
        json.WriteNumber("total"u8, counts.Total);
        json.WriteNumber("queued"u8, counts.Queued);
        json.WriteNumber("running"u8, counts.Running);
        json.WriteNumber("waiting"u8, counts.Waiting);
        json.WriteNumber("canceling"u8, counts.Canceling);
        json.WriteNumber("succeeded"u8, counts.Succeeded);
        json.WriteNumber("failed"u8, counts.Failed);
        json.WriteNumber("canceled"u8, counts.Canceled);
        json.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter json, string name, DateTimeOffset? time)
    {
        if (time is { } value) json.WriteString(name, Times.Show(value));
        else json.WriteNull(name);
    }
}
