using Granary.Engines;

namespace Granary.Cli;

/// <summary>The life of one <c>granary run</c>: prepare the work, submit it or go on with it, show it, end.</summary>
internal sealed class Run(RunOptions options, StandardError error)
{
    public async Task<ExitCode> RunAsync()
    {
        HandlerRegistry handlers = new HandlerRegistry().AddBuiltIns();
        using var interrupts = new Interrupts();
        using Work work = Work.Prepare(options, handlers.Names);
        RequireDistinctFiles(work);
        interrupts.LeaveToCaller();
        using OutFile? file = options.Out is null ? null : OutFile.Open(options.Out);
        await using Database database = await Database.RunAsync(options.Database, handlers, error, interrupts.Gently);
        JobStatus job;
        try
        {
            job = await StartAsync(database, work, file, interrupts.Gently);
        }
        catch (OperationCanceledException) when (interrupts.Gently.IsCancellationRequested)
        {
            error.Say("interrupted; nothing was submitted");
            return ExitCode.Interrupted;
        }
        await TellOfOthersAsync(database, job.Id);
        using var session = new RunSession(database, job, options, error, interrupts);
        return await session.RunAsync(await CursorAsync(database.Engine, job, file));
    }

    private async Task<JobStatus> StartAsync(
        Database database, Work work, OutFile? file, CancellationToken cancellation)
    {
        IJobEngine engine = database.Engine;
        string key = work.Spec.Key ?? work.ContentKey;
        JobId? found = await engine.FindAsync(key, cancellation);
        if (found is null) file?.RequireEmpty();
        // The content is in its own key. A key of the user's is submitted again: the engine compares the content.
        if (found is { } same && work.Spec.Key is null) return await AttachAsync(engine, same);
        JobSpec spec = work.Spec with { Key = key };
        if (found is { } known) spec = Agree(spec, (await engine.GetStatusAsync(known, cancellation)).Spec);
        Submission submission = await engine.SubmitAsync(spec, work.Items().ToAsyncEnumerable(), cancellation);
        // Its tasks may be running by now: an interrupt is the session's business.
        if (submission.Existed) return await AttachAsync(engine, submission.Job);
        JobStatus job = await engine.GetStatusAsync(submission.Job, CancellationToken.None);
        string pool = job.Spec.Kind == JobKind.Batch ? $", {job.MaxConcurrency:N0} at once" : "";
        string tasks = job.Counts.Total == 1 ? "1 task" : $"{job.Counts.Total:N0} tasks";
        Say($"job {job.Id}: {tasks}{pool}, in {database.Name}");
        return job;
    }

    // The pool and the title may differ from the first time.
    private static JobSpec Agree(JobSpec spec, JobSpec first) =>
        spec with { MaxConcurrency = first.MaxConcurrency, Name = first.Name };

    // An engine resumes whatever is unfinished in its database.
    private async Task TellOfOthersAsync(Database database, JobId mine)
    {
        IReadOnlyList<JobId> live = await database.Store.ListLiveAsync(default, 1000, CancellationToken.None);
        int others = live.Count(job => job != mine);
        if (others > 0) Say($"other unfinished jobs in {database.Name} go on while this one runs: {others:N0}");
    }

    private async Task<JobStatus> AttachAsync(IJobEngine engine, JobId id)
    {
        JobStatus job = await engine.GetStatusAsync(id);
        string done = $"{job.Counts.Ended:N0} of {job.Counts.Total:N0} done";
        if (job.State.IsEnd())
        {
            bool allWell = Ends.Code(job) == ExitCode.Ok;
            string failed = allWell ? "" : $"; to run what failed again: granary retry {id} --run";
            Say($"job {id} had finished, {done}; to run it anew, give --key and a name of your own{failed}");
            return job;
        }
        Say($"going on with job {id}, {done}");
        if (options.Concurrency is { } pool && pool != job.MaxConcurrency)
            await engine.ResizeAsync(id, pool);
        if (job.Paused)
        {
            await engine.ResumeAsync(id);
            Say("it was paused, and is resumed");
        }
        return await engine.GetStatusAsync(id);
    }

    private async Task<OutputCursor> CursorAsync(IJobEngine engine, JobStatus job, OutFile? file)
    {
        if (file is null) return new OutputCursor(StandardOutput.Open(), 0);
        // In a file in submission order a retried item's line is in the middle: the file is written anew.
        if (options.Ordered && job.CompletionCount > job.ItemCount) file.Restart();
        Stream stream = options.Ordered
            ? await file.ContinueOrderedAsync(engine, job, CancellationToken.None)
            : await file.ContinueAsync(engine, job, CancellationToken.None);
        return new OutputCursor(stream, file.Lines);
    }

    private void RequireDistinctFiles(Work work)
    {
        if (options.Out is null) return;
        string path = Path.GetFullPath(options.Out);
        if (path == work.InputPath) throw CliException.BadInput("--out is the input file", "Give another --out.");
        if (path == Path.GetFullPath(options.Database))
            throw CliException.BadInput("--out is the database", "Give another --out.");
    }

    private void Say(string message)
    {
        if (!options.Quiet) error.Say(message);
    }
}

/// <summary>Where outcomes go, and how many are there already.</summary>
internal readonly record struct OutputCursor(Stream Stream, int Written);
