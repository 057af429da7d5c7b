using System.CommandLine;

namespace Granary.Cli;

/// <summary><c>granary watch</c>: follows a job until it has ended.</summary>
internal static class WatchVerb
{
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(500);

    public static Command Create(StandardError error)
    {
        Argument<string> name = Options.Job();
        Option<bool> json = Options.Json("an object at each change");
        return Verb.Reading(new Command("watch", "Follows a job until it has ended.") { name, json }, error,
            async verb =>
        {
            JobStatus job = await verb.JobAsync(verb.Parsed.GetRequiredValue(name));
            await verb.WarnIfIdleAsync(job);
            JobStatus end = verb.Parsed.GetValue(json) ? await PrintJsonAsync(verb, job) : await ShowAsync(verb, job);
            return Ends.Code(end);
        });
    }

    private static async Task<JobStatus> PrintJsonAsync(VerbContext verb, JobStatus job)
    {
        using LineOutput output = Report.Lines();
        JobStatus? shown = null;
        while (true)
        {
            if (job != shown)
            {
                output.Write(job, StatusJson.Write);
                output.Flush();
                shown = job;
            }
            if (job.State.IsEnd()) return job;
            await Task.Delay(s_every, verb.Cancellation);
            job = await verb.Engine.GetStatusAsync(job.Id, verb.Cancellation);
        }
    }

    private static async Task<JobStatus> ShowAsync(VerbContext verb, JobStatus job)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(verb.Cancellation);
        Task showing = new ProgressView(verb.Error, verb.Engine, job.Id).RunAsync(stop.Token);
        while (!job.State.IsEnd())
        {
            await Task.Delay(s_every, verb.Cancellation);
            job = await verb.Engine.GetStatusAsync(job.Id, verb.Cancellation);
        }
        await stop.CancelAsync();
        await showing;
        ShowVerb.Print(job);
        return job;
    }
}
