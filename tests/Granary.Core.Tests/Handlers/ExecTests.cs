using System.Text.Json;
using Xunit;

namespace Granary.Core.Tests.Handlers;

public sealed class ExecTests
{
    private readonly HandlerCall _call = new();

    [LinuxFact]
    public async Task A_program_gives_its_exit_code_and_both_outputs()
    {
        JsonElement value = await _call.ExecAsync("sh", "-c", "echo out; echo err >&2");
        Assert.Equal("""{"exitCode":0,"stdout":"out\n","stderr":"err\n"}""", value.GetRawText());
    }

    [LinuxFact]
    public async Task Arguments_are_passed_as_they_are_and_no_shell_sees_them()
    {
        string[] odd = ["$(date)", "a b", "", "'\"", "-n", "ä\n*"];
        JsonElement value = await _call.ExecAsync(["printf", "[%s]", .. odd]);
        Assert.Equal(string.Concat(odd.Select(o => $"[{o}]")), value.GetProperty("stdout").GetString());
    }

    [LinuxFact]
    public async Task A_non_zero_exit_is_a_failure_that_carries_the_same_object()
    {
        TaskFailedException failure = await _call.FailsAsync(
            "exec", """{"argv":["sh","-c","echo out; echo first >&2; echo disk full >&2; exit 3"]}""");
        Assert.Equal("ExitCode", failure.Type);
        Assert.True(failure.Retryable);
        Assert.Equal("'sh' exited with code 3: disk full", failure.Message);
        JsonElement data = JsonElement.Parse(failure.Data.Span);
        Assert.Equal(3, data.GetProperty("exitCode").GetInt32());
        Assert.Equal("out\n", data.GetProperty("stdout").GetString());
        Assert.Equal("first\ndisk full\n", data.GetProperty("stderr").GetString());
    }

    [LinuxFact]
    public async Task A_program_ended_by_a_signal_gives_128_and_the_signal()
    {
        TaskFailedException failure = await _call.FailsAsync("exec", """{"argv":["sh","-c","kill -9 $$"]}""");
        Assert.Equal("'sh' exited with code 137.", failure.Message);
    }

    [LinuxFact]
    public async Task A_program_that_does_not_exist_is_not_found_for_good()
    {
        TaskFailedException failure = await _call.FailsAsync("exec", """{"argv":["no-such-program-here"]}""");
        Assert.Equal("NotFound", failure.Type);
        Assert.False(failure.Retryable);
        Assert.Contains("no-such-program-here", failure.Message, StringComparison.Ordinal);
    }

    [LinuxFact]
    public async Task A_directory_is_no_program()
    {
        TaskFailedException failure = await _call.FailsAsync("exec", """{"argv":["/"]}""");
        Assert.Equal("NotStarted", failure.Type);
        Assert.False(failure.Retryable);
    }

    [LinuxFact]
    public async Task A_directory_to_run_in_that_does_not_exist_is_not_found()
    {
        TaskFailedException failure =
            await _call.FailsAsync("exec", """{"argv":["true"],"cwd":"/no/such/directory"}""");
        Assert.Equal("NotFound", failure.Type);
        Assert.Contains("/no/such/directory", failure.Message, StringComparison.Ordinal);
    }

    [LinuxFact]
    public async Task It_runs_where_it_is_told()
    {
        JsonElement value = await _call.RunAsync("exec", """{"argv":["pwd"],"cwd":"/usr"}""");
        Assert.Equal("/usr\n", value.GetProperty("stdout").GetString());
    }

    [LinuxFact]
    public async Task Variables_are_added_and_taken_away()
    {
        JsonElement value = await _call.RunAsync("exec",
            """
            {"argv":["sh","-c","echo $COLOR-${HOME-none}-${PATH:+path}-$GRANARY_ATTEMPT"],
             "env":{"COLOR":"blue","HOME":null}}
            """);
        Assert.Equal("blue-none-path-2\n", value.GetProperty("stdout").GetString());
    }

    [LinuxFact]
    public async Task The_idempotency_key_is_in_the_environment()
    {
        JsonElement value = await _call.ExecAsync("sh", "-c", "echo $GRANARY_TASK_KEY");
        Assert.EndsWith("-3\n", value.GetProperty("stdout").GetString(), StringComparison.Ordinal);
    }

    [LinuxFact]
    public async Task Standard_input_is_what_was_given()
    {
        string text = new('x', 300_000);
        JsonElement value =
            await _call.RunAsync("exec", JsonSerializer.Serialize(new { argv = new[] { "wc", "-c" }, stdin = text }));
        Assert.Equal("300000", value.GetProperty("stdout").GetString()!.Trim());
    }

    [LinuxFact]
    public async Task Standard_input_is_empty_when_none_was_given() =>
        Assert.Equal("", (await _call.ExecAsync("cat")).GetProperty("stdout").GetString());

    [LinuxFact]
    public async Task A_program_need_not_read_its_input()
    {
        string args = JsonSerializer.Serialize(new { argv = new[] { "true" }, stdin = new string('x', 300_000) });
        Assert.Equal(0, (await _call.RunAsync("exec", args)).GetProperty("exitCode").GetInt32());
    }

    [LinuxFact]
    public async Task A_program_that_copies_much_input_to_both_outputs_does_not_block()
    {
        string text = new('x', 200_000);
        JsonElement value = await _call.RunAsync("exec",
            JsonSerializer.Serialize(new { argv = new[] { "tee", "/dev/stderr" }, stdin = text }));
        Assert.Equal(text, value.GetProperty("stdout").GetString());
        Assert.Equal(text, value.GetProperty("stderr").GetString());
    }

    [LinuxFact]
    public async Task Large_output_is_kept_at_both_ends_and_says_what_was_cut()
    {
        var call = new HandlerCall(new BuiltInOptions { MaxOutputBytes = 2048 });
        JsonElement value = await call.ExecAsync("seq", "1", "100000");
        string output = value.GetProperty("stdout").GetString()!;
        Assert.StartsWith("1\n2\n", output, StringComparison.Ordinal);
        Assert.EndsWith("99999\n100000\n", output, StringComparison.Ordinal);
        Assert.Contains("[… 586,847 bytes cut …]", output, StringComparison.Ordinal);
    }

    [LinuxFact]
    public async Task Bytes_that_are_no_text_are_replaced()
    {
        JsonElement value = await _call.ExecAsync("printf", "a\\377b");
        Assert.Equal("a\uFFFDb", value.GetProperty("stdout").GetString());
    }

    [LinuxFact]
    public async Task Programs_get_the_usual_broken_pipe_signal()
    {
        JsonElement value = await _call.ExecAsync("sh", "-c", "yes | head -n 1");
        Assert.Equal("y\n", value.GetProperty("stdout").GetString());
    }

    [LinuxFact]
    public async Task Many_programs_run_side_by_side_and_each_gets_its_own_output()
    {
        JsonElement[] values = await Task.WhenAll(
            Enumerable.Range(0, 100).Select(i => _call.ExecAsync("sh", "-c", $"sleep 0.05; echo {i}")));
        Assert.Equal(
            Enumerable.Range(0, 100).Select(i => $"{i}\n"), values.Select(v => v.GetProperty("stdout").GetString()));
    }

    [LinuxFact]
    public async Task No_descriptor_is_left_open()
    {
        await _call.ExecAsync("true");
        int before = Directory.GetFiles("/proc/self/fd").Length;
        for (int i = 0; i < 50; i++) await _call.ExecAsync("true");
        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, before + 10);
    }

    [Theory]
    [InlineData("""{"argv":[]}""")]
    [InlineData("""{"argv":[""]}""")]
    [InlineData("""{"argv":["a",null]}""")]
    [InlineData("""{"argv":"true"}""")]
    [InlineData("""{"argv":["a\u0000b"]}""")]
    [InlineData("""{"argv":["true"],"env":{"a=b":"c"}}""")]
    [InlineData("""{"argv":["true"],"sdtin":"x"}""")]
    [InlineData("""["true"]""")]
    public async Task Other_arguments_are_refused_for_good(string args)
    {
        TaskFailedException failure = await _call.FailsAsync("exec", args);
        Assert.Equal("BadArguments", failure.Type);
        Assert.False(failure.Retryable);
    }
}
