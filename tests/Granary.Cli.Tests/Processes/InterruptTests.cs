using System.Text.Json;

namespace Granary.Cli.Tests;

/// <summary>Ctrl-C, termination, keys, closed outputs, and what becomes of processes that tasks have started.</summary>
public sealed class InterruptTests : IDisposable
{
    private const string Hold = "sh -c 'echo {} >> started; while [ ! -e go ]; do sleep 0.05; done; echo {} >> ended'";

    private readonly Workspace _here = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_first_interrupt_lets_what_runs_finish_and_starts_nothing_more(bool terminate)
    {
        _here.Write("lines.txt", "a\nb\nc\nd\n");
        string[] command = ["run", "-c", "2", "--exec", Hold, "--from", "lines.txt", "--out", "r.ndjson"];
        await using LiveCommand run = _here.Start(command);
        await StartedAsync(2);
        if (terminate) run.Terminate();
        else run.Interrupt();
        await run.ErrorHasAsync("granary: stopping: what runs may finish; press Ctrl-C again to end it now\n");
        _here.Write("go", "");
        Finished end = (await run.EndAsync()).Expect(ExitCode.Interrupted);
        Assert.EndsWith("granary: stopped; 2 of 4 done (50%); the same command goes on from here\n", end.Error);
        Assert.Equal(2, _here.ReadLines("r.ndjson").Length);
        Assert.Equal(["a", "b"], Lines("started").Order());
        (await _here.RunAsync(command)).Expect(ExitCode.Ok);
        Assert.Equal(["a", "b", "c", "d"], Lines("started").Order());
        Assert.Equal([0, 1, 2, 3], _here.ReadLines("r.ndjson").Indexes().Order());
    }

    [Fact]
    public async Task The_second_interrupt_ends_what_runs_with_all_its_processes_and_the_job_goes_on_later()
    {
        _here.Write("lines.txt", "a\nb\n");
        // A grandchild that would survive if only its parent were ended.
        string[] command = ["run", "-c", "1", "--exec",
            "sh -c 'if [ -e go ]; then echo {}; exit; fi; echo {} >> started; sleep 1000 & echo $! > grandchild; wait'",
            "--from", "lines.txt"];
        await using LiveCommand run = _here.Start(command);
        await StartedAsync(1);
        int grandchild = await NumberAsync("grandchild");
        Assert.True(IsAlive(grandchild));
        run.Interrupt();
        await run.ErrorHasAsync("stopping");
        run.Interrupt();
        Finished end = (await run.EndAsync()).Expect(ExitCode.Interrupted);
        Assert.Contains("granary: ending what runs\n", end.Error);
        await GoneAsync(grandchild);
        _here.Write("go", "");
        JsonElement[] lines = (await _here.RunAsync(command)).Expect(ExitCode.Ok).Lines;
        Assert.Equal(["a\n", "b\n"], lines.Sorted().Select(line => line.Stdout()));
    }

    [Fact]
    public async Task A_task_that_times_out_ends_with_all_its_processes()
    {
        Finished end = await _here.PipeAsync("x\n", "run", "--timeout", "3s", "--from", "-", "--exec",
            "sh -c 'sleep 1000 & echo $! > grandchild; wait # {}'");
        Assert.Equal("TimedOut", Assert.Single(end.Expect(ExitCode.SomeFailed).Lines).Text("reason"));
        await GoneAsync(await NumberAsync("grandchild"));
    }

    [Fact]
    public async Task A_closed_output_stops_the_run_and_it_goes_on_later()
    {
        _here.Write("lines.txt", string.Concat(Enumerable.Range(0, 2000).Select(i => $"{i}\n")));
        string[] command = ["run", "--exec", "true {}", "--from", "lines.txt"];
        await using (LiveCommand run = _here.Start(command))
        {
            await run.OutputHasAsync("\"index\"");
            run.CloseOutput();
            Finished end = (await run.EndAsync()).Expect(ExitCode.Interrupted);
            Assert.Matches(
                "granary: standard output was closed; job [0-9a-z]{13} can go on: give the same command again\n",
                end.Error);
        }
        Assert.Equal(2000, (await _here.RunAsync(command)).Expect(ExitCode.Ok).Lines.Length);
    }

    [Fact]
    public async Task An_interrupt_while_the_input_is_read_ends_it_at_once_and_leaves_nothing()
    {
        await using LiveCommand run = _here.Start("run", "--task", "echo", "--from", "-");
        await run.WriteAsync("1\n");
        await Until(
            () => Directory.EnumerateFiles($"/proc/{run.Id}/fd").Any(IsCopyOfInput), "it does not read its input");
        run.Interrupt();
        (await run.EndAsync()).Expect(ExitCode.Interrupted);
        Assert.Empty(Directory.EnumerateFiles(_here.Directory, "granary*"));
    }

    [Fact]
    public async Task A_reading_verb_ends_quietly_when_its_reader_has_gone()
    {
        string lines = string.Concat(Enumerable.Range(0, 5000).Select(i => $"{i}\n"));
        (await _here.PipeAsync(lines, "run", "--task", "echo", "--from", "-")).Expect(ExitCode.Ok);
        await using LiveCommand results = _here.Start("results", "last", "--json");
        results.CloseOutput();
        Assert.Equal("", (await results.EndAsync()).Expect(ExitCode.Interrupted).Error);
    }

    [Fact]
    public async Task On_a_terminal_keys_change_the_run()
    {
        _here.Write("lines.txt", "a\nb\nc\nd\ne\n");
        await using LiveCommand run =
            _here.StartOnTerminal("run", "-c", "2", "--exec", Hold.Replace("'", "\"", StringComparison.Ordinal),
            "--from", "lines.txt", "--out", "r.ndjson");
        await StartedAsync(2);
        await run.OutputHasAsync("keys: + - p c");
        await run.WriteAsync("+");
        await run.OutputHasAsync("granary: 3 at once");
        await StartedAsync(3);
        await run.WriteAsync("-");
        await run.OutputHasAsync("granary: 2 at once");
        await run.WriteAsync("p");
        await run.OutputHasAsync("granary: paused: nothing new starts until p is pressed again");
        await run.WriteAsync("p");
        await run.OutputHasAsync("granary: resumed");
        await run.WriteAsync("c");
        await run.OutputHasAsync("granary: what had not started is canceled");
        _here.Write("go", "");
        (await run.EndAsync()).Expect(ExitCode.SomeFailed);
        Assert.Equal(["Canceled", "Canceled", "Succeeded", "Succeeded", "Succeeded"],
            _here.ReadLines("r.ndjson").States().Order());
    }

    [Fact]
    public async Task On_a_terminal_Ctrl_C_does_not_reach_what_runs()
    {
        _here.Write("lines.txt", "a\nb\n");
        await using LiveCommand run =
            _here.StartOnTerminal("run", "-c", "1", "--exec", Hold.Replace("'", "\"", StringComparison.Ordinal),
            "--from", "lines.txt", "--out", "r.ndjson");
        await StartedAsync(1);
        await run.WriteAsync("\u0003");
        await run.OutputHasAsync("granary: stopping");
        _here.Write("go", "");
        (await run.EndAsync()).Expect(ExitCode.Interrupted);
        Assert.Equal("Succeeded", Assert.Single(_here.ReadLines("r.ndjson")).State());
    }

    [Fact]
    public async Task A_terminal_that_goes_away_lets_what_runs_finish()
    {
        _here.Write("lines.txt", "a\nb\n");
        await using LiveCommand terminal = _here.StartOnTerminal("run", "-c", "1", "--exec",
            "sh -c \"echo $PPID > granary; while [ ! -e go ]; do sleep 0.05; done # {}\"",
            "--from", "lines.txt", "--out", "r.ndjson");
        int granary = await NumberAsync("granary");
        await terminal.OutputHasAsync("keys: + - p c");
        await terminal.KillAsync();
        _here.Write("go", "");
        await GoneAsync(granary);
        // The second may have started before the first signal was seen.
        Assert.Contains(_here.ReadLines("r.ndjson").States(), state => state == "Succeeded");
    }

    public void Dispose() => _here.Dispose();

    private string[] Lines(string file) =>
        File.Exists(_here.PathOf(file)) ? _here.Read(file).Lines() : [];

    private Task StartedAsync(int count) =>
        Until(() => Lines("started").Length >= count, $"{count} tasks have not started");

    private static Task GoneAsync(int process) => Until(() => !IsAlive(process), $"process {process} is still there");

    private async Task<int> NumberAsync(string file)
    {
        await Until(() => Lines(file).Length == 1, $"{file} is not there");
        return int.Parse(Lines(file)[0], null);
    }

    private static bool IsCopyOfInput(string descriptor) =>
        new FileInfo(descriptor).LinkTarget is { } target && target.Contains(".in (deleted)", StringComparison.Ordinal);

    // A process that has ended and was not waited for (a zombie) counts as gone.
    private static bool IsAlive(int process)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[stat.LastIndexOf(')') + 2] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task Until(Func<bool> condition, string otherwise)
    {
        DateTime limit = DateTime.UtcNow + Workspace.Patience;
        while (!condition())
        {
            if (DateTime.UtcNow > limit) Assert.Fail(otherwise);
            await Task.Delay(20);
        }
    }
}
