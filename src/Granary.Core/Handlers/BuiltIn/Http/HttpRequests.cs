using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Granary;

/// <summary>Turns the arguments of <c>http</c> into a request.</summary>
internal static class HttpRequests
{
    public static HttpRequestMessage Create(TaskContext task, HttpArgs args)
    {
        if (!Uri.TryCreate(args.Url, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https"))
            throw BuiltInJson.BadArguments(
                task, $"'url' is '{args.Url}', and must be an absolute http or https address.");
        bool hasBody = args.Body.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);
        var request = new HttpRequestMessage(Method(task, args.Method ?? (hasBody ? "POST" : "GET")), url);
        if (hasBody) request.Content = Content(args.Body);
        foreach ((string name, string value) in args.Headers ?? []) AddHeader(task, request, name, value);
        // Receivers that know the header do the work once, however often it is tried.
        if (request.Method != HttpMethod.Get && request.Method != HttpMethod.Head
            && !request.Headers.Contains("Idempotency-Key"))
            request.Headers.TryAddWithoutValidation("Idempotency-Key", task.IdempotencyKey);
        return request;
    }

    /// <summary>Method and address without what may be secret: the query and the user.</summary>
    public static string Describe(HttpRequestMessage request)
    {
        Uri url = request.RequestUri!;
        return $"{request.Method} {url.Scheme}://{url.Authority}{url.AbsolutePath}";
    }

    /// <summary>The statuses that count as success; empty for the usual ones.</summary>
    public static IReadOnlyList<int> Expected(TaskContext task, HttpArgs args)
    {
        JsonElement expect = args.Expect;
        JsonElement[] listed = expect.ValueKind switch
        {
            JsonValueKind.Undefined or JsonValueKind.Null => [],
            JsonValueKind.Array => [.. expect.EnumerateArray()],
            _ => [expect],
        };
        int[] statuses =
            [.. listed.Select(e => e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out int status) ? status : 0)];
        if (statuses.Any(s => s is < 100 or > 999))
            throw BuiltInJson.BadArguments(task, "'expect' must be a status such as 404, or a list of them.");
        return statuses;
    }

    private static HttpMethod Method(TaskContext task, string name)
    {
        try
        {
            return HttpMethod.Parse(name);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw BuiltInJson.BadArguments(task, $"'method' is '{name}', which is no HTTP method.");
        }
    }

    private static ByteArrayContent Content(JsonElement body)
    {
        bool text = body.ValueKind == JsonValueKind.String;
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(text ? body.GetString()! : body.GetRawText()));
        content.Headers.ContentType = new MediaTypeHeaderValue(text ? "text/plain" : "application/json")
        {
            CharSet = "utf-8",
        };
        return content;
    }

    private static void AddHeader(TaskContext task, HttpRequestMessage request, string name, string value)
    {
        if (value.AsSpan().ContainsAny('\r', '\n', '\0'))
            throw BuiltInJson.BadArguments(task, $"The header '{name}' holds a line break or a NUL character.");
        if (request.Headers.TryAddWithoutValidation(name, value)) return;
        HttpContentHeaders? content = request.Content?.Headers;
        content?.Remove(name);
        if (content?.TryAddWithoutValidation(name, value) != true)
            throw BuiltInJson.BadArguments(task, $"'{name}' cannot be a header of this request.");
    }
}
