using System.Text.Json;

namespace Granary.Cli.Tests;

/// <summary>The same command goes on where it stopped; nothing finished runs again, and no outcome is written
/// twice.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly Workspace _here = new();

    [Fact]
    public async Task A_finished_run_is_not_run_again()
    {
        string[] command = ["run", "--exec", "sh -c 'echo {} >> ran'", "--from", "lines.txt"];
        _here.Write("lines.txt", "a\nb\n");
        string[] first = Values((await _here.RunAsync(command)).Expect(ExitCode.Ok).Lines);
        Finished again = (await _here.RunAsync(command)).Expect(ExitCode.Ok);
        Assert.Equal(first, Values(again.Lines));
        Assert.Matches(
            "granary: job [0-9a-z]{13} had finished, 2 of 2 done; to run it anew, give --key and a name of your own\n",
            again.Error);
        Assert.Equal(2, _here.Read("ran").Lines().Length);
    }

    [Fact]
    public async Task Other_work_is_another_job()
    {
        _here.Write("lines.txt", "1\n2\n");
        string[] command = ["run", "--task", "echo", "--from", "lines.txt"];
        await _here.RunAsync(command);
        await _here.RunAsync([.. command, "-c", "7", "--ordered", "--out", "x"]);
        Assert.Single((await _here.RunAsync("ls", "--json")).Lines);
        await _here.RunAsync([.. command, "--retries", "1"]);
        _here.Write("lines.txt", "1\n3\n");
        await _here.RunAsync(command);
        await _here.RunAsync([.. command, "--key", "mine"]);
        Assert.Equal(4, (await _here.RunAsync("ls", "--json")).Lines.Length);
    }

    [Fact]
    public async Task A_key_with_other_content_is_refused()
    {
        await _here.PipeAsync("1\n", "run", "--task", "echo", "--from", "-", "--key", "mine");
        Finished same = await _here.PipeAsync("1\n", "run", "--task", "echo", "--from", "-", "--key", "mine");
        Assert.Single(same.Expect(ExitCode.Ok).Lines);
        Finished other = await _here.PipeAsync("2\n", "run", "--task", "echo", "--from", "-", "--key", "mine");
        Assert.Contains("mine", other.Expect(ExitCode.BadInput).Error);
        Assert.Equal("", other.Output);
    }

    [Fact]
    public async Task Under_a_key_of_ones_own_the_pool_may_change()
    {
        string[] command = ["run", "--task", "echo", "--from", "-", "--key", "mine"];
        (await _here.PipeAsync("1\n2\n", [.. command, "-c", "1"])).Expect(ExitCode.Ok);
        Finished again = await _here.PipeAsync("1\n2\n", [.. command, "-c", "5"]);
        Assert.Contains("had finished, 2 of 2 done", again.Expect(ExitCode.Ok).Error);
    }

    [Fact]
    public async Task Other_unfinished_jobs_of_the_database_go_on_too()
    {
        _here.Write("lines.txt", "a\n");
        string[] first =
            ["run", "--exec", "sh -c 'echo {} >> ran; while [ ! -e go ]; do sleep 0.05; done'", "--from", "lines.txt"];
        await using (LiveCommand run = _here.Start(first))
        {
            while (!File.Exists(_here.PathOf("ran"))) await Task.Delay(5);
            await run.KillAsync();
        }
        await using LiveCommand other = _here.Start("run", "--task", "sleep", "--args", "{\"duration\":\"1s\"}");
        await other.ErrorHasAsync("granary: other unfinished jobs in granary.db go on while this one runs: 1\n");
        _here.Write("go", "");
        (await other.EndAsync()).Expect(ExitCode.Ok);
        (await _here.RunAsync("work")).Expect(ExitCode.Ok);
        Assert.Contains("1 of 1 done", (await _here.RunAsync(first)).Expect(ExitCode.Ok).Error);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_kill_9_each_outcome_is_in_the_file_exactly_once(bool ordered)
    {
        const int Count = 400;
        _here.Write("lines.txt", string.Concat(Enumerable.Range(0, Count).Select(i => $"{i}\n")));
        string[] command =
        [
            "run", "-c", "4", "--from", "lines.txt", "--out", "r.ndjson",
            "--exec", "sh -c 'echo {} >> ran; until read n < end; [ {} -lt $n ]; do sleep 0.1; done; echo v{}'",
        ];
        if (ordered) command = [.. command, "--ordered"];
        string shown = "";
        for (int kill = 1; kill <= 5; kill++)
        {
            int target = kill * Count / 8;
            // It cannot come to its end before this test, however slow, has killed it.
            _here.Write("end", $"{target + 50}\n");
            await using LiveCommand run = _here.Start(command);
            while (!File.Exists(_here.PathOf("ran")) || _here.Read("ran").Count(c => c == '\n') < target)
                await Task.Delay(5);
            await run.KillAsync();
            // What a cut in the middle of a line leaves.
            if (kill % 2 == 0) Tear(_here.PathOf("r.ndjson"));
            string now = _here.Read("r.ndjson");
            now = now[..(now.LastIndexOf('\n') + 1)];
            // What was shown is final: same attempts, same times.
            Assert.StartsWith(shown[..Math.Min(shown.Length, now.Length)], now);
            shown = now;
        }
        _here.Write("end", $"{Count}\n");
        (await _here.RunAsync(command)).Expect(ExitCode.Ok);
        Assert.StartsWith(shown, _here.Read("r.ndjson"));
        JsonElement[] lines = _here.ReadLines("r.ndjson");
        int[] indexes = lines.Indexes().ToArray();
        Assert.Equal(Enumerable.Range(0, Count), ordered ? indexes : indexes.Order());
        Assert.All(lines, line => Assert.Equal($"v{line.Index()}\n", line.Stdout()));
        string before = _here.Read("r.ndjson");
        (await _here.RunAsync(command)).Expect(ExitCode.Ok);
        Assert.Equal(before, _here.Read("r.ndjson"));
    }

    [Fact]
    public async Task Going_on_says_so_and_takes_the_new_pool()
    {
        _here.Write("lines.txt", "a\nb\nc\n");
        string[] command =
            ["run", "--exec", "sh -c 'while [ {} != a ] && [ ! -e go ]; do sleep 0.05; done'", "--from", "lines.txt"];
        await using (LiveCommand run = _here.Start(command))
        {
            await run.OutputHasAsync("\"index\":0");
            await run.KillAsync();
        }
        await using LiveCommand again = _here.Start([.. command, "-c", "3"]);
        await again.ErrorHasAsync("1 of 3 done");
        _here.Write("go", "");
        Finished end = (await again.EndAsync()).Expect(ExitCode.Ok);
        Assert.Matches("^granary: going on with job [0-9a-z]{13}, 1 of 3 done\n", end.Error);
        Assert.Equal([0, 1, 2], end.Lines.Indexes().Order());
        Assert.Equal(3, (await _here.RunAsync("show", "last", "--json")).Lines[0].Number("maxConcurrency"));
    }

    [Fact]
    public async Task A_file_of_another_job_is_not_touched()
    {
        string[] command = ["run", "--task", "echo", "--from", "lines.txt", "--out", "r.ndjson"];
        _here.Write("lines.txt", "1\n2\n3\n");
        await _here.RunAsync(command);
        string before = _here.Read("r.ndjson");
        _here.Write("lines.txt", "4\n5\n");
        Finished fresh = await _here.RunAsync(command);
        Assert.StartsWith("granary: --out: r.ndjson holds 3 lines already, and this job is new\n",
            fresh.Expect(ExitCode.BadInput).Error);
        (await _here.RunAsync([.. command[..^1], "s.ndjson"])).Expect(ExitCode.Ok);
        Finished longer = await _here.RunAsync(command);
        Assert.Contains(
            "granary: --out: r.ndjson is not the output of this job: has 3 lines, and the job 2 completions\n",
            longer.Expect(ExitCode.BadInput).Error, StringComparison.Ordinal);
        Assert.Equal(before, _here.Read("r.ndjson"));
    }

    [Fact]
    public async Task Standard_input_goes_on_too()
    {
        string[] command = ["run", "--task", "echo", "--from", "-", "--out", "r.ndjson"];
        (await _here.PipeAsync("1\n2\n", command)).Expect(ExitCode.Ok);
        Assert.Contains("had finished", (await _here.PipeAsync("1\n2\n", command)).Expect(ExitCode.Ok).Error);
        Assert.Equal(2, _here.ReadLines("r.ndjson").Length);
    }

    public void Dispose() => _here.Dispose();

    private static void Tear(string path)
    {
        // A child that was just being started when its parent was killed holds the file's lock for a moment.
        while (true)
        {
            try
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                file.SetLength(Math.Max(0, file.Length - 7));
                return;
            }
            catch (IOException e) when (e is not FileNotFoundException)
            {
                Thread.Sleep(10);
            }
        }
    }

    private static string[] Values(JsonElement[] lines) => lines.Select(line => line.GetRawText()).ToArray();
}
