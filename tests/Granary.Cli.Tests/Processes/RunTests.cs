using System.Text.Json;

namespace Granary.Cli.Tests;

/// <summary><c>granary run</c> from the outside: what it runs, prints and answers.</summary>
public sealed class RunTests : IDisposable
{
    private readonly Workspace _here = new();

    [Fact]
    public async Task One_echo_gives_one_line_and_exit_code_0()
    {
        _here.Write("one.json", """{"batch":{"items":[{"task":"echo","args":{"text":"a"}}]}}""");
        Finished end = (await _here.RunAsync("run", "one.json")).Expect(ExitCode.Ok);
        JsonElement line = Assert.Single(end.Lines);
        Assert.Equal(0, line.Index());
        Assert.Equal("Succeeded", line.State());
        Assert.Equal("""{"text":"a"}""", line.Value().GetRawText());
        Assert.Equal(1, line.Number("attempts"));
        Assert.True(line.GetProperty("startedAt").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddMinutes(-5));
        Assert.True(line.GetProperty("duration").GetDouble() >= 0);
    }

    [Fact]
    public async Task A_command_runs_for_each_line_without_a_shell()
    {
        _here.Write("lines.txt", "plain\na b; echo no\n$HOME 'quoted'\n\nü\n");
        Finished end =
            await _here.RunAsync("run", "--exec", "printf <%s> {}", "--from", "lines.txt", "--ordered", "-c", "3");
        JsonElement[] values = end.Expect(ExitCode.Ok).Lines.Select(line => line.GetProperty("value")).ToArray();
        Assert.Equal(["<plain>", "<a b; echo no>", "<$HOME 'quoted'>", "<>", "<ü>"],
            values.Select(v => v.Text("stdout")));
        Assert.All(values, value => Assert.Equal((0, ""), (value.Number("exitCode"), value.Text("stderr"))));
    }

    [Fact]
    public async Task A_shell_runs_only_when_asked_for_and_never_runs_the_line()
    {
        Finished end =
            await _here.PipeAsync("a b; touch hacked\n", "run", "--shell", "--exec", "printf '[{}]' | tr a-z A-Z",
            "--from", "-");
        Assert.Equal("[A B; TOUCH HACKED]", Assert.Single(end.Expect(ExitCode.Ok).Lines).Stdout());
        Assert.False(File.Exists(_here.PathOf("hacked")));
    }

    [Fact]
    public async Task A_failing_command_is_exit_code_1_and_its_output_is_in_the_error()
    {
        Finished end = await _here.PipeAsync(
            "0\n3\n", "run", "--shell", "--exec", "echo out; echo err >&2; exit {}", "--from", "-", "--ordered");
        JsonElement[] lines = end.Expect(ExitCode.SomeFailed).Lines;
        Assert.Equal(["Succeeded", "Failed"], lines.States());
        JsonElement error = lines[1].GetProperty("error");
        Assert.Equal("ExitCode", error.Text("type"));
        Assert.Equal("""{"exitCode":3,"stdout":"out\n","stderr":"err\n"}""", error.GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task Exit_codes_are_told_also_where_the_parent_ignored_the_ends_of_children()
    {
        _here.Write("lines.txt", "3\n");
        await using LiveCommand run =
            _here.StartAfter("trap '' CHLD", "run", "--shell", "--exec", "exit {}", "--from", "lines.txt");
        JsonElement line = Assert.Single((await run.EndAsync()).Expect(ExitCode.SomeFailed).Lines);
        Assert.Equal(3, line.GetProperty("error").GetProperty("data").Number("exitCode"));
    }

    [Fact]
    public async Task Retries_and_timeouts_are_obeyed()
    {
        Finished end =
            await _here.PipeAsync("30\n", "run", "--exec", "sleep {}", "--from", "-", "--timeout", "200ms",
            "--retries", "1");
        JsonElement line = Assert.Single(end.Expect(ExitCode.SomeFailed).Lines);
        Assert.Equal(("Failed", "TimedOut", 2),
            (line.State(), line.Text("reason"), line.Number("attempts")));
    }

    [Fact]
    public async Task Fail_fast_cancels_what_has_not_started()
    {
        Finished end =
            await _here.PipeAsync("1\n0\n0\n", "run", "--exec", "sh -c 'exit {}'", "--from", "-", "-c", "1",
            "--fail-fast");
        Assert.Equal(["Failed", "Canceled", "Canceled"],
            end.Expect(ExitCode.SomeFailed).Lines.Sorted().States());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Outcomes_come_as_they_complete_or_in_submission_order(bool ordered)
    {
        _here.Write("lines.txt", "a\nb\n");
        string[] command =
            ["run", "--db", ":memory:", "--from", "lines.txt", "--exec",
                "sh -c 'while [ {} = a ] && [ ! -e go ]; do sleep 0.05; done; echo {} >> ended'"];
        await using LiveCommand run = _here.Start(ordered ? [.. command, "--ordered"] : command);
        if (ordered) await run.ErrorHasAsync("1 of 2 done");
        else await run.OutputHasAsync("\"index\":1");
        _here.Write("go", "");
        Finished end = (await run.EndAsync()).Expect(ExitCode.Ok);
        Assert.Equal(ordered ? [0, 1] : [1, 0], end.Lines.Indexes());
        Assert.Contains("granary: the database is in memory: nothing of this run is kept\n", end.Error);
    }

    [Fact]
    public async Task A_job_file_of_chains_waits_and_batches_runs()
    {
        _here.Write("job.json",
            """
            {"chain":[{"task":"echo","args":{"text":"a"}},{"wait":"10ms"},
              {"batch":{"items":[{"task":"echo","args":1},{"chain":[{"task":"echo","args":2}]}]}},{"task":"echo"}]}
            """);
        JsonElement[] lines = (await _here.RunAsync("run", "job.json", "--ordered")).Expect(ExitCode.Ok).Lines;
        Assert.Equal(4, lines.Length);
        JsonElement[] gathered = lines[3].Value().EnumerateArray().ToArray();
        Assert.Equal(["1", "2"], gathered.Select(outcome => outcome.Value().GetRawText()));
    }

    [Fact]
    public async Task A_job_file_on_standard_input_runs()
    {
        Finished end = await _here.PipeAsync("""{"chain":[{"task":"echo","args":"x"}]}""", "run", "-");
        Assert.Equal("\"x\"", Assert.Single(end.Expect(ExitCode.Ok).Lines).Value().GetRawText());
        Finished bad = await _here.PipeAsync("""{"chain":[{"task":"echo","arg":"x"}]}""", "run", "-");
        Assert.StartsWith("(standard input):1:26: chain[0]: unknown field \"arg\"\n", bad.Expect(ExitCode.BadInput)
            .Error);
    }

    [Fact]
    public async Task Lines_are_arguments_of_any_task()
    {
        Finished end =
            await _here.PipeAsync("{\"text\":\"a\"}\n7\n", "run", "--task", "echo", "--from", "-", "--ordered");
        Assert.Equal(["{\"text\":\"a\"}", "7"], end.Expect(ExitCode.Ok)
            .Lines.Select(line => line.Value().GetRawText()));
        end = await _here.PipeAsync("a\n", "run", "--task", "echo", "--args", "{\"text\":\"<{}>\"}", "--from", "-");
        Assert.Equal("""{"text":"<a>"}""", Assert.Single(end.Expect(ExitCode.Ok).Lines).Value().GetRawText());
    }

    [Fact]
    public async Task A_url_is_fetched_for_each_line()
    {
        using var server = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        server.Start();
        Task<string> serving = AnswerAsync(server);
        string url = $"http://{server.LocalEndpoint}/find?q={{}}";
        Finished end = await _here.PipeAsync("a b&c\n", "run", "--http", url, "--from", "-");
        JsonElement value = Assert.Single(end.Expect(ExitCode.Ok).Lines).Value();
        Assert.Equal((200, "hello"), (value.Number("status"), value.Text("body")));
        Assert.StartsWith("GET /find?q=a%20b%26c HTTP/1.1", await serving);
    }

    private static async Task<string> AnswerAsync(System.Net.Sockets.TcpListener server)
    {
        using System.Net.Sockets.TcpClient client = await server.AcceptTcpClientAsync();
        using var reader = new StreamReader(client.GetStream());
        string request = await reader.ReadLineAsync() ?? "";
        while (await reader.ReadLineAsync() is { Length: > 0 }) { }
        string[] answer =
            ["HTTP/1.1 200 OK", "Content-Type: text/plain", "Content-Length: 5", "Connection: close", "", "hello"];
        await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(string.Join("\r\n", answer)));
        return request;
    }

    [Fact]
    public async Task No_lines_make_an_empty_job_that_succeeds()
    {
        Finished end = await _here.PipeAsync("", "run", "--exec", "false {}", "--from", "-");
        Assert.Equal("", end.Expect(ExitCode.Ok).Output);
    }

    [Fact]
    public async Task A_bad_line_far_down_submits_nothing()
    {
        string lines = string.Concat(Enumerable.Repeat("1\n", 5000)) + "xyz\n";
        Finished end = await _here.PipeAsync(lines, "run", "--task", "echo", "--from", "-");
        Assert.StartsWith("(standard input):5001:1: bad JSON", end.Expect(ExitCode.BadInput).Error);
        Assert.Equal("", (await _here.RunAsync("ls", "--json")).Expect(ExitCode.Ok).Output);
    }

    [Fact]
    public async Task Progress_is_plain_lines_on_standard_error_and_nothing_when_quiet()
    {
        Finished end = await _here.PipeAsync("1\n", "run", "--task", "echo", "--from", "-");
        Assert.Matches(
            "^granary: job [0-9a-z]{13}: 1 task, 2 at once, in granary.db\n(.*\n)*" +
            "granary: succeeded after .*: 1 succeeded \\(job .*\\)\n$",
            end.Error);
        Assert.DoesNotContain('\u001b', end.Error);
        Assert.Equal("", (await _here.PipeAsync("2\n", "run", "--task", "echo", "--from", "-", "--quiet"))
            .Expect(ExitCode.Ok).Error);
    }

    [Fact]
    public async Task A_database_that_is_none_is_refused()
    {
        _here.Write("other.db", new string('x', 10_000)).Write("job.json", """{"batch":{"items":[]}}""");
        Finished end = await _here.RunAsync("run", "job.json", "--db", "other.db");
        Assert.Contains("other.db", end.Expect(ExitCode.Store).Error);
        Assert.Equal(new string('x', 10_000), _here.Read("other.db"));
    }

    public void Dispose() => _here.Dispose();
}
