using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Granary;

/// <summary>Turns a response into the value of <c>http</c>: <c>{"status","headers","body"}</c>.</summary>
internal static class HttpResults
{
    // A reader of the value stops at 64 levels, and the body is one below the top.
    private const int MaxBodyDepth = 60;

    public static void Write(IBufferWriter<byte> to, HttpResponseMessage response, byte[] body)
    {
        using var json = new Utf8JsonWriter(to, BuiltInJson.Writing);
        json.WriteStartObject();
        json.WriteNumber("status"u8, (int)response.StatusCode);
        json.WriteStartObject("headers"u8);
        WriteHeader(json, "content-type", response.Content.Headers.ContentType?.ToString());
        WriteHeader(json, "etag", response.Headers.ETag?.ToString());
        WriteHeader(json, "last-modified", response.Content.Headers.LastModified?.ToString("R"));
        WriteHeader(json, "location", response.Headers.Location?.OriginalString);
        json.WriteEndObject();
        json.WritePropertyName("body"u8);
        ReadOnlySpan<byte> bytes = WithoutMark(body);
        if (IsJson(response) && IsWholeJson(bytes)) json.WriteRawValue(bytes, skipInputValidation: true);
        else json.WriteStringValue(Text(response, body));
        json.WriteEndObject();
    }

    public static byte[] Failure(int status, string body)
    {
        var data = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(data, BuiltInJson.Writing))
        {
            json.WriteStartObject();
            json.WriteNumber("status"u8, status);
            json.WriteString("body"u8, body);
            json.WriteEndObject();
        }
        return data.WrittenSpan.ToArray();
    }

    /// <summary>
    /// The body as text in the character set the response names, else UTF-8; what is no text becomes U+FFFD.
    /// </summary>
    public static string Text(HttpResponseMessage response, byte[] body) =>
        Charset(response).GetString(WithoutMark(body));

    private static void WriteHeader(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null) json.WriteString(name, value);
    }

    private static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> body) =>
        body.StartsWith(Encoding.UTF8.Preamble) ? body[Encoding.UTF8.Preamble.Length..] : body;

    private static Encoding Charset(HttpResponseMessage response)
    {
        try
        {
            return Encoding.GetEncoding(response.Content.Headers.ContentType?.CharSet?.Trim('"') ?? "utf-8");
        }
        catch (ArgumentException)
        {
            return Encoding.UTF8;
        }
    }

    private static bool IsJson(HttpResponseMessage response) =>
        response.Content.Headers.ContentType?.MediaType is { } type
        && (type.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase));

    private static bool IsWholeJson(ReadOnlySpan<byte> bytes)
    {
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = MaxBodyDepth });
        try
        {
            while (reader.Read()) { }
            return reader.BytesConsumed > 0;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
