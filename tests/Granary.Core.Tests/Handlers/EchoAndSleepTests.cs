using System.Diagnostics;
using Xunit;

namespace Granary.Core.Tests.Handlers;

public sealed class EchoAndSleepTests
{
    private readonly HandlerCall _call = new();

    [Theory]
    [InlineData("""{"text":"a",  "n":1}""")]
    [InlineData("[1,2]")]
    [InlineData("\"ä\"")]
    public async Task Echo_gives_its_arguments_byte_for_byte(string args) =>
        Assert.Equal(args, await _call.TextAsync("echo", args));

    [Fact]
    public async Task Echo_without_arguments_gives_null() => Assert.Equal("null", await _call.TextAsync("echo", ""));

    [Fact]
    public async Task Sleep_waits_and_gives_null()
    {
        var watch = Stopwatch.StartNew();
        Assert.Equal("null", await _call.TextAsync("sleep", """{"duration":"30ms"}"""));
        Assert.True(watch.Elapsed > TimeSpan.FromMilliseconds(25));
    }

    [Fact]
    public async Task Sleep_stops_when_it_is_canceled()
    {
        using var stop = new CancellationTokenSource();
        Task<string> sleeping = _call.TextAsync("sleep", """{"duration":"9000d"}""", stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sleeping);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"duration":null}""")]
    [InlineData("""{"duration":5}""")]
    [InlineData("""{"duration":"5"}""")]
    [InlineData("""{"duration":"5s","duration":"6s"}""")]
    [InlineData("""{"duration":"5s","durration":"6s"}""")]
    public async Task Sleep_refuses_other_arguments_for_good(string args)
    {
        TaskFailedException failure = await _call.FailsAsync("sleep", args);
        Assert.Equal("BadArguments", failure.Type);
        Assert.False(failure.Retryable);
    }

    [Fact]
    public void Exec_and_http_can_be_left_out() =>
        Assert.Equal(
            ["echo", "sleep"],
            new HandlerRegistry().AddBuiltIns(new() { AllowExec = false, AllowHttp = false }).Names.Order());
}
