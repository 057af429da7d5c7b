using System.Text.Json;

namespace Granary;

/// <summary>An outcome as JSON, as a batch step yields it to the step after it.</summary>
internal static class OutcomeJson
{
    public static void WritePending(Utf8JsonWriter json, int index, JobState state)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, index);
        json.WriteString("state"u8, state.ToString());
        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, Outcome outcome)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, outcome.Index);
        json.WriteString("state"u8, outcome.State.ToString());
        if (outcome.Reason != Reason.None) json.WriteString("reason"u8, outcome.Reason.ToString());
        if (outcome.State == JobState.Succeeded)
        {
            json.WritePropertyName("value"u8);
            if (outcome.Value.IsEmpty) json.WriteNullValue();
            else json.WriteRawValue(outcome.Value.Span, skipInputValidation: true);
        }
        if (outcome.Error is { } error)
        {
            json.WriteStartObject("error"u8);
            json.WriteString("type"u8, error.Type);
            json.WriteString("message"u8, error.Message);
            if (!error.Data.IsEmpty)
            {
                json.WritePropertyName("data"u8);
                json.WriteRawValue(error.Data.Span, skipInputValidation: true);
            }
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
