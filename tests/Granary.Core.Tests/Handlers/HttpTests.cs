using System.Net;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Granary.Core.Tests.Handlers;

public sealed class HttpTests
{
    private readonly HandlerCall _call = new();

    [Fact]
    public async Task A_json_body_is_given_as_json_with_the_headers_that_matter()
    {
        using var server = new HttpServer(HttpServer.Response("200 OK", """{ "a": [1, 2] }""",
            "Content-Type: application/json; charset=utf-8\r\nETag: \"v1\"\r\nLocation: /next\r\nX-Other: 1\r\n"));
        JsonElement value = await GetAsync(server);
        Assert.Equal(
            """{"content-type":"application/json; charset=utf-8","etag":"\"v1\"","location":"/next"}""",
            value.GetProperty("headers").GetRawText());
        Assert.Equal("""{ "a": [1, 2] }""", value.GetProperty("body").GetRawText());
        Assert.Equal(200, value.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task Any_other_body_is_given_as_text()
    {
        using var server = new HttpServer(HttpServer.Response("200 OK", "Grüße", "Content-Type: text/plain\r\n"));
        Assert.Equal("Grüße", (await GetAsync(server)).GetProperty("body").GetString());
    }

    [Fact]
    public async Task A_body_that_claims_to_be_json_and_is_not_is_given_as_text()
    {
        using var server = new HttpServer(HttpServer.Json("{oops"));
        Assert.Equal("{oops", (await GetAsync(server)).GetProperty("body").GetString());
    }

    [Fact]
    public async Task Json_too_deep_for_readers_of_the_value_is_given_as_text()
    {
        string deep = new string('[', 64) + new string(']', 64);
        using var server = new HttpServer(HttpServer.Json(deep));
        Assert.Equal(deep, (await GetAsync(server)).GetProperty("body").GetString());
    }

    [Fact]
    public async Task The_character_set_of_the_response_is_used()
    {
        using var server = new HttpServer(_ => Encoding.Latin1.GetBytes(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=iso-8859-1\r\nConnection: close\r\n\r\nGrüße"));
        Assert.Equal("Grüße", (await GetAsync(server)).GetProperty("body").GetString());
    }

    [Fact]
    public async Task A_body_makes_it_a_post_and_carries_the_idempotency_key()
    {
        using var server = new HttpServer(HttpServer.Json("1"));
        await _call.RunAsync("http", $$$"""{"url":"{{{server.Url}}}","body":{"a":1},"headers":{"X-Color":"blue"}}""");
        string request = Assert.Single(server.Requests);
        Assert.StartsWith("POST /path HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains("X-Color: blue\r\n", request, StringComparison.Ordinal);
        Assert.Contains("Content-Type: application/json; charset=utf-8\r\n", request, StringComparison.Ordinal);
        Assert.Contains("Idempotency-Key: ", request, StringComparison.Ordinal);
        Assert.EndsWith("""{"a":1}""", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_text_body_is_sent_as_it_is_under_the_type_that_was_given()
    {
        using var server = new HttpServer(HttpServer.Json("1"));
        string args = $$$"""
            {"url":"{{{server.Url}}}","method":"put","body":"a=1","headers":{"Content-Type":"text/csv"}}
            """;
        await _call.RunAsync("http", args);
        string request = Assert.Single(server.Requests);
        Assert.StartsWith("PUT ", request, StringComparison.Ordinal);
        Assert.Contains("Content-Type: text/csv\r\n", request, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\na=1", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("404 Not Found", false)]
    [InlineData("401 Unauthorized", false)]
    [InlineData("408 Request Timeout", true)]
    [InlineData("425 Too Early", true)]
    [InlineData("429 Too Many Requests", true)]
    [InlineData("500 Internal Server Error", true)]
    [InlineData("503 Service Unavailable", true)]
    public async Task A_refusal_is_a_failure_and_retried_only_where_time_may_mend_it(string status, bool retryable)
    {
        using var server = new HttpServer(HttpServer.Response(status, "because"));
        TaskFailedException failure = await _call.FailsAsync("http", $$"""{"url":"{{server.Url}}?secret=1"}""");
        Assert.Equal("HttpStatus", failure.Type);
        Assert.Equal(retryable, failure.Retryable);
        Assert.Null(failure.RetryAfter);
        Assert.Equal($"GET {server.Url} answered {status}.", failure.Message);
        Assert.Equal($$"""{"status":{{status[..3]}},"body":"because"}""", Encoding.UTF8.GetString(failure.Data.Span));
    }

    [Theory]
    [InlineData("30", 30)]
    [InlineData("Fri, 01 Jan 2100 00:01:00 GMT", 60)]
    [InlineData("Thu, 01 Jan 2099 00:00:00 GMT", 0)]
    public async Task The_server_says_when_to_try_again(string header, int seconds)
    {
        var call = new HandlerCall(new BuiltInOptions
        {
            Time = new StoppedTime(new(2100, 1, 1, 0, 0, 0, TimeSpan.Zero)),
        });
        using var server = new HttpServer(HttpServer.Response("503 Busy", "", $"Retry-After: {header}\r\n"));
        TaskFailedException failure = await call.FailsAsync("http", $$"""{"url":"{{server.Url}}"}""");
        Assert.Equal(TimeSpan.FromSeconds(seconds), failure.RetryAfter);
    }

    [Theory]
    [InlineData("404", "404 Not Found", true)]
    [InlineData("[200,404]", "404 Not Found", true)]
    [InlineData("201", "200 OK", false)]
    public async Task Expected_statuses_are_success_and_others_are_not(string expect, string status, bool success)
    {
        using var server = new HttpServer(HttpServer.Response(status, ""));
        Task<JsonElement> call = _call.RunAsync("http", $$"""{"url":"{{server.Url}}","expect":{{expect}}}""");
        if (success) Assert.Equal(int.Parse(status[..3], null), (await call).GetProperty("status").GetInt32());
        else await Assert.ThrowsAsync<TaskFailedException>(() => call);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_over_the_limit_is_too_large_whether_announced_or_not(bool announced)
    {
        string length = announced ? "Content-Length: 3000\r\n" : "";
        using var server =
            new HttpServer($"HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n{new string('x', 3000)}");
        var call = new HandlerCall(new BuiltInOptions { MaxBodyBytes = 2999 });
        await Assert.ThrowsAsync<ResultTooLargeException>(
            () => call.RunAsync("http", $$"""{"url":"{{server.Url}}"}"""));
    }

    [Fact]
    public async Task No_connection_is_a_failure_that_may_be_retried()
    {
        var server = new HttpServer("");
        string url = server.Url;
        server.Dispose();
        TaskFailedException failure = await _call.FailsAsync("http", $$"""{"url":"{{url}}"}""");
        Assert.Equal("HttpConnection", failure.Type);
        Assert.True(failure.Retryable);
    }

    [Fact]
    public async Task A_response_that_breaks_off_is_a_failure_that_may_be_retried()
    {
        using var server = new HttpServer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        TaskFailedException failure = await _call.FailsAsync("http", $$"""{"url":"{{server.Url}}"}""");
        Assert.Equal("HttpConnection", failure.Type);
        Assert.True(failure.Retryable);
    }

    [Fact]
    public async Task An_address_that_the_filter_refuses_is_not_connected_to()
    {
        using var server = new HttpServer(HttpServer.Json("1"));
        var asked = new List<IPAddress>();
        var call = new HandlerCall(new BuiltInOptions { HttpConnectFilter = a => { asked.Add(a); return false; } });
        TaskFailedException failure = await call.FailsAsync("http", $$"""{"url":"{{server.Url}}"}""");
        Assert.Equal("HttpAddressRefused", failure.Type);
        Assert.False(failure.Retryable);
        Assert.Equal(IPAddress.Loopback, Assert.Single(asked));
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task The_filter_is_asked_for_redirects_too()
    {
        using var target = new HttpServer(HttpServer.Json("1"));
        using var server = new HttpServer(HttpServer.Response("302 Found", "", $"Location: {target.Url}\r\n"));
        int asked = 0;
        var call = new HandlerCall(new BuiltInOptions { HttpConnectFilter = _ => ++asked == 1 });
        TaskFailedException failure = await call.FailsAsync("http", $$"""{"url":"{{server.Url}}"}""");
        Assert.Equal("HttpAddressRefused", failure.Type);
        Assert.Empty(target.Requests);
    }

    [Fact]
    public async Task An_allowed_address_is_connected_to()
    {
        using var server = new HttpServer(HttpServer.Json("1"));
        var call = new HandlerCall(new BuiltInOptions { HttpConnectFilter = _ => true });
        JsonElement value = await call.RunAsync("http", $$"""{"url":"{{server.Url}}"}""");
        Assert.Equal(1, value.GetProperty("body").GetInt32());
    }

    [Fact]
    public async Task Canceling_ends_the_request()
    {
        using var stop = new CancellationTokenSource();
        using var server = new HttpServer(_ =>
        {
            stop.Cancel();
            return [];
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _call.RunAsync("http", $$"""{"url":"{{server.Url}}"}""", stop.Token));
    }

    [Theory]
    [InlineData("""{"url":"/relative"}""")]
    [InlineData("""{"url":"file:///etc/passwd"}""")]
    [InlineData("""{"url":"http://a","method":"G T"}""")]
    [InlineData("""{"url":"http://a","headers":{"X":"a\r\nY: b"}}""")]
    [InlineData("""{"url":"http://a","headers":{"X Y":"a"}}""")]
    [InlineData("""{"url":"http://a","headers":{"Content-Type":"a/b"}}""")]
    [InlineData("""{"url":"http://a","expect":"200"}""")]
    [InlineData("""{"url":"http://a","expect":[20]}""")]
    [InlineData("""{"uri":"http://a"}""")]
    public async Task Other_arguments_are_refused_for_good(string args)
    {
        TaskFailedException failure = await _call.FailsAsync("http", args);
        Assert.Equal("BadArguments", failure.Type);
        Assert.False(failure.Retryable);
    }

    private Task<JsonElement> GetAsync(HttpServer server) => _call.RunAsync("http", $$"""{"url":"{{server.Url}}"}""");

    private sealed class StoppedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
