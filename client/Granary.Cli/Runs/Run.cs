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
        using OutFile? file = options.Out is null ? null : OutFile.Open(options.Out);
        await using Database database = await Database.RunAsync(options.Database, handlers, error, interrupts.Gently);
        JobStatus job;
        try
        {
            job = await StartAsync(database.Engine, work, file, interrupts.Gently);
        }
        catch (OperationCanceledException) when (interrupts.Gently.IsCancellationRequested)
        {
            error.Say("interrupted before the job was submitted; nothing was started");
            return ExitCode.Interrupted;
        }
        using var session = new RunSession(database, job, options, error, interrupts);
        return await session.RunAsync(await CursorAsync(database.Engine, job, file));
    }

    private async Task<JobStatus> StartAsync(IJobEngine engine, Work work, OutFile? file,
        CancellationToken cancellation)
    {
        string key = work.Spec.Key ?? work.ContentKey;
        JobId? found = await engine.FindAsync(key, cancellation);
        if (found is null) file?.RequireEmpty();
        // A key of the user's own is submitted again: the engine compares the content.
        if (found is { } known && work.Spec.Key is null)
            return await AttachAsync(engine, known, work.Spec, cancellation);
        Submission submission = await engine.SubmitAsync(
            work.Spec with { Key = key }, work.Items().ToAsyncEnumerable(), cancellation);
        if (submission.Existed) return await AttachAsync(engine, submission.Job, work.Spec, cancellation);
        JobStatus job = await engine.GetStatusAsync(submission.Job, cancellation);
        string pool = job.Spec.Kind == JobKind.Batch ? $", {job.MaxConcurrency:N0} at once" : "";
        Say($"job {job.Id}: {job.Counts.Total:N0} tasks{pool}, in {options.Database}");
        return job;
    }

    private async Task<JobStatus> AttachAsync(IJobEngine engine, JobId id, JobSpec asked,
        CancellationToken cancellation)
    {
        JobStatus job = await engine.GetStatusAsync(id, cancellation);
        string done = $"{job.Counts.Ended:N0} of {job.Counts.Total:N0} done";
        if (job.State.IsEnd())
        {
            Say($"job {id} had finished, {done}; to run it anew, give --key and a name of your own");
            return job;
        }
        Say($"going on with job {id}, {done}");
        if (job.Spec.Kind == JobKind.Batch && job.MaxConcurrency != asked.MaxConcurrency)
            await engine.ResizeAsync(id, asked.MaxConcurrency, cancellation);
        if (job.Paused)
        {
            await engine.ResumeAsync(id, cancellation);
            Say("it was paused, and is resumed");
        }
        return await engine.GetStatusAsync(id, cancellation);
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
