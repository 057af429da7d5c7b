using System.Globalization;
using Xunit;

namespace Granary.Core.Tests.Handlers;

/// <summary>Canceling ends the whole tree, whatever the programs in it do.</summary>
public sealed class ExecCancelTests : IDisposable
{
    private const string AwaitInner = "while [ ! -e inner ]; do sleep 0.01; done; echo $$ >> pids; touch ready; ";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("granary-exec-");

    public void Dispose() => _directory.Delete(recursive: true);

    [LinuxFact]
    public async Task A_program_is_asked_first_and_may_clean_up()
    {
        int[] pids = await CancelAsync(
            "trap 'echo cleaned > cleaned; exit 0' TERM; echo $$ > pids; touch ready; while :; do sleep 0.01; done",
            TimeSpan.FromSeconds(20));
        Assert.All(pids, AssertGone);
        Assert.Equal("cleaned\n", await File.ReadAllTextAsync(Path.Combine(_directory.FullName, "cleaned")));
    }

    [LinuxFact]
    public async Task A_tree_that_ignores_the_request_is_ended_after_half_the_grace()
    {
        int[] pids = await CancelAsync(
            "trap '' TERM; sh -c \"trap '' TERM; echo \\$\\$ >> pids; touch inner; sleep 300\" & " + AwaitInner
                + "wait");
        Assert.Equal(2, pids.Length);
        Assert.All(pids, AssertGone);
    }

    [LinuxFact]
    public async Task A_child_in_another_session_is_ended_too()
    {
        int[] pids = await CancelAsync(
            "setsid sh -c 'trap \"\" TERM; echo $$ >> pids; sleep 300 & echo $! >> pids; touch inner; wait' & "
                + AwaitInner + "wait");
        Assert.Equal(3, pids.Length);
        Assert.All(pids, AssertGone);
    }

    [LinuxFact]
    public async Task A_child_whose_parent_is_gone_is_ended_too()
    {
        int[] pids = await CancelAsync(
            "(trap '' TERM; sleep 300 >/dev/null 2>&1 & echo $! >> pids) & wait; "
            + "echo $$ >> pids; touch ready; sleep 300");
        Assert.Equal(2, pids.Length);
        Assert.All(pids, AssertGone);
    }

    [LinuxFact]
    public async Task Background_programs_are_ended_when_the_first_one_has_exited_already()
    {
        int[] pids = await CancelAsync("sleep 300 & echo $! >> pids; touch ready");
        Assert.All(pids, AssertGone);
    }

    [LinuxFact]
    public async Task A_task_that_is_canceled_before_it_starts_starts_nothing()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new HandlerCall().ExecAsync(stop.Token, "touch", Path.Combine(_directory.FullName, "started")));
        Assert.Empty(_directory.GetFiles());
    }

    private async Task<int[]> CancelAsync(string script, TimeSpan? grace = null)
    {
        var call = new HandlerCall { CancelGrace = grace ?? TimeSpan.FromMilliseconds(600) };
        using var stop = new CancellationTokenSource();
        Task running = call.ExecAsync(stop.Token, "sh", "-c", $"cd '{_directory.FullName}'; {script}");
        while (!File.Exists(Path.Combine(_directory.FullName, "ready")))
        {
            Assert.False(running.IsCompleted);
            await Task.Delay(5);
        }
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(_directory.FullName, "pids"));
        return [.. lines.Select(l => int.Parse(l, CultureInfo.InvariantCulture))];
    }

    private static void AssertGone(int pid)
    {
        string stat = $"/proc/{pid}/stat";
        string text = "";
        // The last moments of a killed process, and its collection by init, are the system's.
        for (int i = 0; i < 200; i++)
        {
            try
            {
                text = File.ReadAllText(stat);
            }
            catch (IOException)
            {
                return;
            }
            if (text.Contains(") Z ", StringComparison.Ordinal)) return;
            Thread.Sleep(10);
        }
        Assert.Fail($"Process {pid} is still there: {text}");
    }
}
