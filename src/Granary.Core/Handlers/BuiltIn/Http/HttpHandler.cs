using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Granary;

/// <summary>
/// Sends one request. A status of 400 and above, or one that is not expected, is a failure; those that time mends
/// (408, 425, 429, 5xx, no connection) may be retried, at the time the server names.
/// </summary>
internal sealed class HttpHandler(BuiltInOptions options) : TaskHandler
{
    private const int ExcerptLength = 2_000;

    // One for all engines of the process: connections are shared, and their names are resolved anew every two minutes.
    private static readonly Lazy<HttpMessageInvoker> s_open = new(() => HttpConnections.Create(null));

    private readonly Lazy<HttpMessageInvoker> _invoker = options.HttpConnectFilter is { } filter
        ? new(() => HttpConnections.Create(filter))
        : s_open;

    public override async ValueTask InvokeAsync(TaskContext task, IBufferWriter<byte> result)
    {
        HttpArgs args = BuiltInJson.Read(task, BuiltInJson.Default.HttpArgs);
        using HttpRequestMessage request = HttpRequests.Create(task, args);
        string what = HttpRequests.Describe(request);
        IReadOnlyList<int> expected = HttpRequests.Expected(task, args);
        try
        {
            using HttpResponseMessage response = await _invoker.Value.SendAsync(request, task.CancellationToken);
            bool success = expected.Count == 0
                ? (int)response.StatusCode < 400
                : expected.Contains((int)response.StatusCode);
            if (!success) throw await RefusedAsync(what, response, task.CancellationToken);
            byte[] body = await ReadAsync(response, options.MaxBodyBytes, task.CancellationToken)
                ?? throw new ResultTooLargeException(options.MaxBodyBytes);
            HttpResults.Write(result, response, body);
        }
        catch (HttpRequestException e)
        {
            throw HttpConnections.Failure(what, e);
        }
        catch (IOException e)
        {
            throw new TaskFailedException($"{what}: the response broke off. {e.Message}", e)
            {
                Type = "HttpConnection",
            };
        }
    }

    private async Task<TaskFailedException> RefusedAsync(
        string what, HttpResponseMessage response, CancellationToken stop)
    {
        int status = (int)response.StatusCode;
        byte[] body = await ReadAsync(response, options.MaxBodyBytes, stop) ?? [];
        string text = HttpResults.Text(response, body);
        string excerpt = text.Length <= ExcerptLength ? text : text[..ExcerptLength] + "…";
        return new TaskFailedException($"{what} answered {status} {response.ReasonPhrase}".TrimEnd() + ".")
        {
            Type = "HttpStatus",
            Retryable = status is 408 or 425 or 429 or >= 500,
            RetryAfter = RetryAfter(response),
            Data = HttpResults.Failure(status, excerpt),
        };
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        TimeSpan? wait = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - options.Time.GetUtcNow(),
            _ => null,
        };
        if (wait is not { } given) return null;
        if (given < TimeSpan.Zero) return TimeSpan.Zero;
        return given < JobDefaults.MaxTime ? given : JobDefaults.MaxTime;
    }

    /// <summary>The body; null when it is larger than the limit.</summary>
    private static async Task<byte[]?> ReadAsync(HttpResponseMessage response, int limit, CancellationToken stop)
    {
        if (response.Content.Headers.ContentLength > limit) return null;
        using Stream stream = await response.Content.ReadAsStreamAsync(stop);
        var body = new ArrayBufferWriter<byte>();
        while (body.WrittenCount <= limit)
        {
            int read = await stream.ReadAsync(body.GetMemory(16 * 1024), stop);
            if (read == 0) return body.WrittenSpan.ToArray();
            body.Advance(read);
        }
        return null;
    }
}
