using System.Text.Encodings.Web;
using System.Text.Json;

namespace Granary.Cli;

/// <summary>One outcome as one line of JSON: the documented form of <c>run</c>, <c>results</c>, <c>wait</c> and
/// <c>--out</c>.</summary>
internal static class OutcomeJson
{
    /// <summary>Nothing is escaped that JSON lets stand; what could steer a terminal, <see cref="LineOutput"/>
    /// escapes.</summary>
    public static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    private static readonly JsonEncodedText s_index = JsonEncodedText.Encode("index");
    private static readonly JsonEncodedText s_state = JsonEncodedText.Encode("state");
    private static readonly JsonEncodedText s_reason = JsonEncodedText.Encode("reason");
    private static readonly JsonEncodedText s_value = JsonEncodedText.Encode("value");
    private static readonly JsonEncodedText s_error = JsonEncodedText.Encode("error");
    private static readonly JsonEncodedText s_attempts = JsonEncodedText.Encode("attempts");
    private static readonly JsonEncodedText s_startedAt = JsonEncodedText.Encode("startedAt");
    private static readonly JsonEncodedText s_duration = JsonEncodedText.Encode("duration");
    private static readonly JsonEncodedText s_place = JsonEncodedText.Encode("place");
    private static readonly string[] s_states = Enum.GetNames<JobState>();

    public static void Write(Utf8JsonWriter json, Outcome outcome)
    {
        json.WriteStartObject();
        json.WriteNumber(s_index, outcome.Index);
        json.WriteString(s_state, s_states[(int)outcome.State - 1]);
        if (outcome.Reason != Reason.None) json.WriteString(s_reason, outcome.Reason.ToString());
        if (outcome.State == JobState.Succeeded)
        {
            json.WritePropertyName(s_value);
            json.WriteRawValue(outcome.Value.IsEmpty ? "null"u8 : outcome.Value.Span, skipInputValidation: true);
        }
        if (outcome.Error is { } error) WriteError(json, error);
        json.WriteNumber(s_attempts, outcome.Attempts);
        json.WriteString(s_startedAt, Times.Show(outcome.StartedAt));
        // A decimal, because small doubles are written with an exponent.
        json.WriteNumber(s_duration, Math.Round((decimal)outcome.Duration.Ticks / TimeSpan.TicksPerSecond, 6));
        if (outcome.Place.Length > 0) json.WriteString(s_place, outcome.Place);
        json.WriteEndObject();
    }

    private static void WriteError(Utf8JsonWriter json, TaskError error)
    {
        json.WriteStartObject(s_error);
        json.WriteString("type"u8, error.Type);
        json.WriteString("message"u8, error.Message);
        if (!error.Data.IsEmpty)
        {
            json.WritePropertyName("data"u8);
            json.WriteRawValue(error.Data.Span, skipInputValidation: true);
        }
        json.WriteEndObject();
    }
}
