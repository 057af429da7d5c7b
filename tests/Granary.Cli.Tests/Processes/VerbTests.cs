using System.Text.Json;

namespace Granary.Cli.Tests;

/// <summary>The verbs beside run, while nobody and while another process owns the database.</summary>
public sealed class VerbTests : IDisposable
{
    private const string Hold = "sh -c 'echo {} >> started; while [ ! -e go ]; do sleep 0.05; done; exit {}'";

    private readonly Workspace _here = new();

    [Fact]
    public async Task Reading_verbs_tell_of_a_finished_job()
    {
        await _here.PipeAsync("0\n1\n", "run", "--exec", "sh -c 'exit {}'", "--from", "-", "--key", "mine");
        JsonElement job = Assert.Single((await _here.RunAsync("ls", "--json")).Expect(ExitCode.Ok).Lines);
        string id = job.Text("id")!;
        foreach (string name in new[] { id, "mine", "last" })
            Assert.Equal(id, (await _here.RunAsync("show", name, "--json")).Expect(ExitCode.Ok).Lines[0].Text("id"));
        Assert.Equal((1, 1, 2), (Count(job, "succeeded"), Count(job, "failed"), Count(job, "total")));

        Finished list = (await _here.RunAsync("ls")).Expect(ExitCode.Ok);
        Assert.Matches($"(?s)JOB .*STATE.*{id} .*2/2", list.Output);
        Assert.Matches($"job +{id}\n", (await _here.RunAsync("show", "last")).Expect(ExitCode.Ok).Output);
        Assert.Equal([0, 1], (await _here.RunAsync("results", "last", "--json")).Expect(ExitCode.Ok).Lines.Indexes());
        Assert.Single((await _here.RunAsync("results", "last", "--json", "--as-completed", "--after", "1"))
            .Expect(ExitCode.Ok).Lines);
        Assert.Contains("Failed", (await _here.RunAsync("results", "last")).Expect(ExitCode.Ok).Output);
        Assert.Equal("", (await _here.RunAsync("pending", "last", "--json")).Expect(ExitCode.Ok).Output);
        (await _here.RunAsync("watch", "last", "--json")).Expect(ExitCode.SomeFailed);
        JsonElement wait = (await _here.RunAsync("wait", "last", "--json")).Expect(ExitCode.SomeFailed).Lines[0];
        Assert.Equal((true, 2, 0),
            (wait.GetProperty("reached").GetBoolean(), wait.Number("done"), wait.Number("pending")));
        wait = (await _here.RunAsync("wait", "last", "--json", "--until", "first-exception"))
            .Expect(ExitCode.SomeFailed).Lines[0];
        Assert.Equal(1, wait.GetProperty("outcome").Index());
    }

    [Fact]
    public async Task A_timeline_is_text_JSON_or_SVG()
    {
        _here.Write("job.json",
            """{"chain":[{"task":"echo","args":1},{"wait":"300ms"},{"task":"sleep","args":{"duration":"300ms"}}]}""");
        (await _here.RunAsync("run", "job.json")).Expect(ExitCode.Ok);
        string[] rows =
            (await _here.RunAsync("timeline", "last", "--width", "80")).Expect(ExitCode.Ok).Output.TrimEnd()
            .Split('\n');
        Assert.Equal(80, rows[0].Length);
        Assert.Matches("^slot 1   \\|.*=+\\|$", rows[0]);
        Assert.Matches("^wait 1   \\|.*\\.+.*\\|$", rows[1]);
        Assert.Equal("= succeeded  x failed  - canceled  > running  . waiting", rows[^1]);
        JsonElement[] spans = (await _here.RunAsync("timeline", "last", "--json")).Expect(ExitCode.Ok).Lines;
        Assert.Equal([1, 0, 1], spans.Select(span => span.Number("attempt")));
        (await _here.RunAsync("timeline", "last", "--svg", "t.svg")).Expect(ExitCode.Ok);
        Assert.Equal("svg", System.Xml.Linq.XDocument.Parse(_here.Read("t.svg")).Root!.Name.LocalName);
    }

    [Fact]
    public async Task While_another_process_owns_the_database_reading_works_and_steering_names_the_owner()
    {
        _here.Write("lines.txt", "0\n1\n2\n");
        await using LiveCommand owner = _here.Start("run", "-c", "1", "--exec", Hold, "--from", "lines.txt");
        await StartedAsync(1);
        Assert.Equal("Running", (await _here.RunAsync("show", "last", "--json")).Expect(ExitCode.Ok).Lines[0].State());
        JsonElement[] pending = (await _here.RunAsync("pending", "last", "--json")).Expect(ExitCode.Ok).Lines;
        Assert.Equal(3, pending.Length);
        Assert.Equal(("2", "exec", "Queued"),
            (pending[2].Text("path"), pending[2].Text("handler"), pending[2].State()));
        Assert.Contains("PoolFull", (await _here.RunAsync("pending", "last")).Expect(ExitCode.Ok).Output);
        JsonElement wait =
            (await _here.RunAsync("wait", "last", "--timeout", "100ms", "--json")).Expect(ExitCode.Interrupted)
            .Lines[0];
        Assert.Equal((false, 3), (wait.GetProperty("reached").GetBoolean(), wait.Number("pending")));
        (await _here.RunAsync("backup", "copy.db")).Expect(ExitCode.Ok);
        (await _here.RunAsync("verify", "--db", "copy.db")).Expect(ExitCode.Ok);
        (await _here.RunAsync("verify")).Expect(ExitCode.Ok);
        string[] verbs =
            ["cancel last", "resize last 3", "pause last", "resume last", "retry last", "work", "run one.json"];
        _here.Write("one.json", """{"batch":{"items":[]}}""");
        foreach (string verb in verbs)
        {
            Finished refused = await _here.RunAsync(verb.Split(' '));
            Assert.Contains($"process {owner.Id} ", refused.Expect(ExitCode.Store).Error);
        }

        await using LiveCommand follower = _here.Start("results", "last", "--follow", "--as-completed", "--json");
        await using LiveCommand watcher = _here.Start("watch", "last", "--json");
        await watcher.OutputHasAsync("\"Running\"");
        _here.Write("go", "");
        (await owner.EndAsync()).Expect(ExitCode.SomeFailed);
        Assert.Equal(3, (await follower.EndAsync()).Expect(ExitCode.Ok).Lines.Length);
        (await watcher.EndAsync()).Expect(ExitCode.SomeFailed);
    }

    [Fact]
    public async Task Steering_verbs_record_their_command_and_work_obeys_it()
    {
        _here.Write("lines.txt", "0\n0\n0\n");
        string[] command = ["run", "-c", "1", "--exec", Hold, "--from", "lines.txt"];
        await using (LiveCommand run = _here.Start(command))
        {
            await StartedAsync(1);
            await run.KillAsync();
        }
        _here.Write("go", "");
        Assert.EndsWith(": 3 at once\n", (await _here.RunAsync("resize", "last", "3")).Expect(ExitCode.Ok).Output);
        Assert.True((await _here.RunAsync("pause", "last", "--json")).Expect(ExitCode.Ok).Lines[0].GetProperty("paused")
            .GetBoolean());
        Assert.EndsWith(": resumed; granary work runs it\n", (await _here.RunAsync("resume", "last"))
            .Expect(ExitCode.Ok).Output);
        Assert.Equal(0, Count((await _here.RunAsync("show", "last", "--json")).Lines[0], "succeeded"));
        (await _here.RunAsync("cancel", "last", "--pending")).Expect(ExitCode.Ok);
        await _here.RunAsync("work");
        JsonElement job = (await _here.RunAsync("show", "last", "--json")).Lines[0];
        Assert.Equal(3, Count(job, "succeeded") + Count(job, "canceled"));
        Assert.InRange(Count(job, "canceled"), 2, 3);
        Assert.Equal(3, job.Number("maxConcurrency"));
    }

    [Fact]
    public async Task Retry_runs_only_what_failed()
    {
        string[] command =
            ["run", "--exec", "sh -c 'echo {} >> ran; [ {} = 1 ] && [ ! -e go ] && exit 5; exit 0'", "--from",
            "lines.txt", "--out", "r.ndjson"];
        _here.Write("lines.txt", "0\n1\n2\n");
        (await _here.RunAsync(command)).Expect(ExitCode.SomeFailed);
        string again = (await _here.RunAsync(command)).Expect(ExitCode.SomeFailed).Error;
        Assert.Matches("; to run what failed again: granary retry [0-9a-z]{13} --run\n", again);
        _here.Write("go", "");
        Assert.EndsWith(": 1 items run again; granary work runs them\n", (await _here.RunAsync("retry", "last"))
            .Expect(ExitCode.Ok).Output);
        (await _here.RunAsync("work")).Expect(ExitCode.Ok);
        Assert.Equal("0 1 1 2", string.Join(' ', _here.Read("ran").Lines().Order()));
        JsonElement[] results = (await _here.RunAsync("results", "last", "--json")).Lines;
        Assert.All(results, line => Assert.Equal("Succeeded", line.State()));
        // The file of completions gains the new outcome.
        (await _here.RunAsync(command)).Expect(ExitCode.Ok);
        Assert.Equal([0, 1, 1, 2], _here.ReadLines("r.ndjson").Indexes().Order());
    }

    [Fact]
    public async Task Retry_can_run_at_once()
    {
        _here.Write("lines.txt", "0\n1\n");
        (await _here.RunAsync("run", "--exec", "sh -c '[ {} = 1 ] && [ ! -e go ] && exit 5; exit 0'", "--from",
            "lines.txt")).Expect(ExitCode.SomeFailed);
        _here.Write("go", "");
        JsonElement line = Assert.Single((await _here.RunAsync("retry", "last", "--run")).Expect(ExitCode.Ok).Lines);
        Assert.Equal((1, "Succeeded"), (line.Index(), line.State()));
    }

    [Fact]
    public async Task A_damaged_database_is_found()
    {
        await _here.PipeAsync(string.Concat(Enumerable.Repeat("\"some text\"\n", 2000)), "run", "--task", "echo",
            "--from", "-");
        Assert.Equal("granary.db is intact\n", (await _here.RunAsync("verify")).Expect(ExitCode.Ok).Output);
        byte[] bytes = await File.ReadAllBytesAsync(_here.PathOf("granary.db"));
        bytes[bytes.AsSpan().IndexOf("some text"u8) + 3] ^= 0x10;
        await File.WriteAllBytesAsync(_here.PathOf("granary.db"), bytes);
        Finished damaged = await _here.RunAsync("verify", "--json");
        Assert.Equal((int)ExitCode.Store, damaged.Code);
    }

    [Fact]
    public async Task Texts_of_others_cannot_steer_the_terminal()
    {
        await _here.PipeAsync("x\n", "run", "--exec", "printf '\\033]0;evil\\007{}'", "--from", "-", "--key",
            "a\u001b[31mb");
        foreach (string verb in new[] { "ls", "show last", "results last", "results last --json", "pending last" })
            Assert.DoesNotContain('\u001b', (await _here.RunAsync(verb.Split(' '))).Expect(ExitCode.Ok).Output);
    }

    public void Dispose() => _here.Dispose();

    private static int Count(JsonElement job, string state) => job.GetProperty("counts").GetProperty(state).GetInt32();

    private async Task StartedAsync(int count)
    {
        DateTime limit = DateTime.UtcNow + Workspace.Patience;
        while (!File.Exists(_here.PathOf("started")) || _here.Read("started").Count(c => c == '\n') < count)
        {
            Assert.True(DateTime.UtcNow < limit, "it did not start");
            await Task.Delay(20);
        }
    }
}
