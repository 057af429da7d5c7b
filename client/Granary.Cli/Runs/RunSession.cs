using Granary.Engines;

namespace Granary.Cli;

/// <summary>Follows a job that runs in this process until it has ended or is interrupted.</summary>
internal sealed class RunSession(
    Database database, JobStatus job, RunOptions options, StandardError error, Interrupts interrupts) : IDisposable
{
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(100);

    private readonly IJobEngine _engine = database.Engine;
    private readonly CancellationTokenSource _stopPump = new();
    private readonly CancellationTokenSource _stopProgress = new();
    private readonly ProgressView _progress = new(error, database.Engine, job.Id)
    {
        Blocked = () => database.Running?.Blocked,
    };

    /// <summary>Follows it to its end; outcomes go to the cursor's stream, or nowhere when there is none.</summary>
    public async Task<ExitCode> RunAsync(OutputCursor? cursor)
    {
        using var output = new LineOutput(cursor?.Stream ?? Stream.Null) { Around = StepAside() };
        Task showing = ShowAsync();
        Task pump = cursor is { } at ? PumpAsync(output, at.Written) : WaitAsync();
        Exception? fault = await FollowAsync(pump);
        await _stopProgress.CancelAsync();
        await showing;
        return await EndAsync(fault);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopPump.Dispose();
        _stopProgress.Dispose();
    }

    /// <summary>Waits for the end of the outcomes, or for an interrupt and what it leaves to wait for.</summary>
    private async Task<Exception?> FollowAsync(Task pump)
    {
        try
        {
            await pump.WaitAsync(interrupts.Gently);
            return null;
        }
        catch (OperationCanceledException) when (interrupts.Gently.IsCancellationRequested)
        {
            // From its first line on nothing starts, and so what is said next is true.
            Task draining = DrainAsync();
            Say("stopping: what runs may finish; press Ctrl-C again to end it now");
            _progress.Note = "stopping";
            await draining;
            await _stopPump.CancelAsync();
            return await FaultOf(pump);
        }
        catch (Exception e) when (e is IOException or Stores.StoreException)
        {
            await DrainAsync();
            return e;
        }
    }

    private async Task DrainAsync()
    {
        using CancellationTokenRegistration second = interrupts.Now.Register(() => Say("ending what runs"));
        try
        {
            await database.Running!.DrainAsync(interrupts.Now);
        }
        catch (OperationCanceledException) when (interrupts.Now.IsCancellationRequested)
        {
            // The second interrupt: what ran was signaled, and runs again at the next start.
        }
    }

    private async Task<ExitCode> EndAsync(Exception? fault)
    {
        switch (fault)
        {
            case IOException closed when options.Out is null && StandardOutput.IsClosedPipe(closed):
                Say($"standard output was closed; job {job.Id} can go on: give the same command again");
                return ExitCode.Interrupted;
            case IOException:
                error.Complain($"granary: {options.Out ?? "standard output"} cannot be written: {fault.Message}",
                    "Make room or mend the path, and give the same command again: it goes on where it stopped.");
                return ExitCode.Store;
            case not null:
                throw fault;
        }
        JobStatus end = await _engine.GetStatusAsync(job.Id);
        if (!end.State.IsEnd())
        {
            JobStatus still = end with { Rate = 0, ExpectedEnd = null };
            Say($"stopped; {ProgressView.Line(still, TimeProvider.System.GetUtcNow())}; " +
                "the same command goes on from here");
            return ExitCode.Interrupted;
        }
        Say(Summary(end));
        return Ends.Code(end);
    }

    private static async Task<Exception?> FaultOf(Task pump)
    {
        try
        {
            await pump;
            return null;
        }
        catch (Exception e) when (e is IOException or Stores.StoreException)
        {
            return e;
        }
    }

    private Task PumpAsync(LineOutput output, int written)
    {
        var pump = new OutcomePump(_engine, job.Id, outcome => output.Write(outcome, OutcomeJson.Write), output.Flush);
        return Task.Run(() => options.Ordered
            ? pump.OrderedAsync(written, job.ItemCount, _stopPump.Token)
            : pump.CompletionsAsync(written, _stopPump.Token));
    }

    private async Task WaitAsync()
    {
        while (!_stopPump.IsCancellationRequested && !(await _engine.GetStatusAsync(job.Id)).State.IsEnd())
            await Task.Delay(s_every);
    }

    private Task ShowAsync()
    {
        if (options.Quiet || job.State.IsEnd()) return Task.CompletedTask;
        if (error.IsTerminal && options.From != "-" && options.JobFile != "-" && RunKeys.Available)
        {
            _progress.Note = RunKeys.Legend;
            new RunKeys(error, _engine, job.Id).Start();
        }
        return _progress.RunAsync(_stopProgress.Token);
    }

    // Outcomes on the same terminal go above the bar.
    private Func<IDisposable?> StepAside() =>
        options.Out is null && !Console.IsOutputRedirected && error.IsTerminal ? error.Aside : static () => null;

    private static string Summary(JobStatus end)
    {
        JobCounts counts = end.Counts;
        TimeSpan took = (end.FinishedAt ?? end.SubmittedAt) - end.SubmittedAt;
        string failed = counts.Failed > 0 ? $", {counts.Failed:N0} failed" : "";
        string canceled = counts.Canceled > 0 ? $", {counts.Canceled:N0} canceled" : "";
        return $"{end.State.ToString().ToLowerInvariant()} after {Durations.Show(took)}: " +
            $"{counts.Succeeded:N0} succeeded{failed}{canceled} (job {end.Id})";
    }

    private void Say(string message)
    {
        if (!options.Quiet) error.Say(message);
    }
}

/// <summary>What the end of a job means for the exit code.</summary>
internal static class Ends
{
    public static ExitCode Code(JobStatus job) =>
        job is { State: JobState.Succeeded, Counts: { Failed: 0, Canceled: 0 } } ? ExitCode.Ok : ExitCode.SomeFailed;
}
