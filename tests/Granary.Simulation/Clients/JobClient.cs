using Granary.Engines;
using Granary.Simulation.Checks;
using Granary.Simulation.Plans;
using Granary.Simulation.Worlds;

namespace Granary.Simulation.Clients;

/// <summary>Everything that clients do with one job. Each request of the plan runs by itself, so
/// that they meet.</summary>
internal sealed class JobClient(Population all, World world, JobPlan plan, JobHistory history)
{
    private readonly TaskCompletionSource<JobId?> _submitted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<(PlanStep Step, Task Task)> _requests = [];
    private bool _isSubmitted;
    private bool _isFinishing;
    private Task _following = Task.CompletedTask;
    private string _doing = "";

    public void Start() => _following = all.GuardAsync(FollowAsync, $"following");

    public void Take(PlanStep step)
    {
        if (step.Kind == StepKind.Submit) _isSubmitted = true;
        _requests.Add((step, all.GuardAsync(() => RequestAsync(step), $"{step}")));
    }

    public string Describe()
    {
        string open = string.Join(", ",
            _requests.Where(request => !request.Task.IsCompleted).Select(request => request.Step));
        return open.Length + _doing.Length == 0 ? "" : $"job {history.Number} ({history.Id}): {_doing} {open}";
    }

    /// <summary>Waits until all requests are answered and the job has ended.</summary>
    public async Task FinishAsync()
    {
        if (!_isSubmitted) _submitted.TrySetResult(null);
        _doing = "waiting for its requests";
        foreach ((_, Task task) in _requests.ToArray()) await task;
        _isFinishing = true;
        if (history.Id is { } job)
        {
            _doing = "waiting for its end";
            await all.GuardAsync(() => EndAsync(job), $"ending");
        }
        _doing = "waiting for its follower";
        await _following;
        _doing = "";
    }

    private async Task RequestAsync(PlanStep step)
    {
        if (step.Kind == StepKind.Submit)
        {
            _submitted.TrySetResult(await SubmitAsync());
            return;
        }
        if (await _submitted.Task is not { } job) return;
        switch (step.Kind)
        {
            case StepKind.Append:
                await AppendAsync(job, step);
                break;
            case StepKind.Cancel:
                int retries = history.RetriesOpen > 0 ? -1 : history.RetriesAsked;
                await SteerAsync(step, engine => engine.CancelAsync(job, step.Scope),
                    () => history.Canceled(step.Scope, retries));
                break;
            case StepKind.Retry:
                await RetryAsync(job, step);
                break;
            case StepKind.Read:
                await ReadAsync(job);
                break;
            case StepKind.Again:
                await AskAgainAsync(job);
                break;
            case StepKind.Seal:
                await SteerAsync(step, engine => engine.SealAsync(job), history.Sealed);
                break;
            case StepKind.Resize:
                await SteerAsync(step, engine => engine.ResizeAsync(job, step.Number),
                    () => history.Resized(step.Number));
                break;
            case StepKind.Pause:
                await SteerAsync(step, engine => engine.PauseAsync(job), () => history.Paused(true));
                break;
            case StepKind.Resume:
                await SteerAsync(step, engine => engine.ResumeAsync(job), () => history.Paused(false));
                break;
            default:
                break;
        }
    }

    private async Task<JobId?> SubmitAsync()
    {
        history.IsSubmitting = true;
        while (true)
        {
            try
            {
                Submission submission = await all.AskAsync(
                    (engine, hangUp) => engine.SubmitAsync(plan.Spec, ItemsAsync(plan.Items), hangUp));
                history.Submitted(submission);
                return submission.Job;
            }
            catch (Exception e) when (Population.IsUnknown(e))
            {
                // Without a key nobody can tell, and to submit again would be another job.
                if (plan.Spec.Key is null && e is not RefusedException { Refusal: Refusal.NoHandler }) return null;
                await all.PauseAsync();
            }
        }
    }

    // The same key: the same content gives the same job, and other content is refused.
    private async Task AskAgainAsync(JobId job)
    {
        if (plan.Spec.Key is not { } key) return;
        history.Found(await all.InsistAsync((engine, hangUp) => engine.FindAsync(key, hangUp)));
        JobId[] known = [.. world.History.Jobs.Select(other => other.Id).OfType<JobId>()];
        JobPage page = await all.InsistAsync((engine, hangUp) => engine.ListAsync(new JobQuery(), hangUp));
        history.Listed(page, known);
        history.Submitted(await all.InsistAsync(
            (engine, hangUp) => engine.SubmitAsync(plan.Spec, ItemsAsync(plan.Items), hangUp)));
        try
        {
            JobSpec other = plan.Spec with { Retention = TimeSpan.FromDays(8) };
            await all.InsistAsync((engine, hangUp) => engine.SubmitAsync(other, ItemsAsync(plan.Items), hangUp));
            history.Violate("S2", $"{job} was given for other content under its key");
        }
        catch (RefusedException e) when (e.Refusal == Refusal.KeyConflict)
        {
            // As it must be.
        }
    }

    private async Task AppendAsync(JobId job, PlanStep step)
    {
        Appending appending = history.Appending(step.Key, step.Items);
        while (true)
        {
            try
            {
                AppendReceipt receipt =
                    await all.AskAsync((engine, hangUp) => engine.AppendAsync(
                        job, ItemsAsync(step.Items), step.Key, hangUp));
                history.Appended(appending, receipt);
                return;
            }
            catch (RefusedException e) when (e.Refusal is Refusal.NotABatch or Refusal.Ended or Refusal.Sealed)
            {
                history.AppendRefused(appending, e.Refusal);
                return;
            }
            catch (Exception e) when (Population.IsUnknown(e))
            {
                if (step.Key is null && e is not RefusedException { Refusal: Refusal.NoHandler }) return;
                await all.PauseAsync();
            }
        }
    }

    private async Task SteerAsync(PlanStep step, Func<Embedded.EmbeddedEngine, Task> request, Action acknowledged)
    {
        history.Steering(step);
        try
        {
            await all.InsistAsync(async (engine, _) =>
            {
                await request(engine);
                return true;
            });
        }
        catch (RefusedException e) when (e.Refusal is Refusal.Ended or Refusal.NotABatch or Refusal.Sealed)
        {
            history.SteerRefused(step, e.Refusal);
            return;
        }
        acknowledged();
    }

    private async Task RetryAsync(JobId job, PlanStep step)
    {
        history.Steering(step);
        // Some wait for the job to end, as long as their patience lasts.
        for (int patience = world.Random.Chance(50) ? 0 : world.Random.Next(12); ; patience--)
        {
            try
            {
                history.Retried(await all.InsistAsync((engine, hangUp) => engine.RetryFailedAsync(job, hangUp)));
                return;
            }
            catch (RefusedException e) when (e.Refusal == Refusal.NotEnded)
            {
                if (patience <= 0)
                {
                    history.SteerRefused(step, e.Refusal);
                    return;
                }
                await all.PauseAsync();
            }
        }
    }

    // Reads what can be read, from anywhere.
    private async Task ReadAsync(JobId job)
    {
        int after = world.Random.Next(history.Shown + 1);
        CompletionPage page = await all.ReadAsync(job, after, world.Random.Between(1, 20), TimeSpan.Zero);
        history.Show(after, page);
        JobStatus status = await all.InsistAsync((engine, hangUp) => engine.GetStatusAsync(job, hangUp));
        history.Show(status);
        int from = world.Random.Next(3);
        IReadOnlyList<Outcome?> outcomes =
            await all.InsistAsync((engine, hangUp) => engine.ReadOutcomesAsync(job, from, 100, hangUp));
        history.Show(from, outcomes);
        await all.InsistAsync((engine, hangUp) => engine.ListPendingAsync(job, -1, 100, hangUp));
    }

    // As WhenEach does: from the first completion on, and again from where it was when it lost its engine.
    private async Task FollowAsync()
    {
        if (await _submitted.Task is not { } job) return;
        for (int after = 0; ;)
        {
            CompletionPage page = await all.ReadAsync(
                job, after, world.Random.Between(1, 10), TimeSpan.FromSeconds(world.Random.Next(30)));
            history.Show(after, page);
            after += page.Outcomes.Count;
            if (page.Ended && _isFinishing) return;
            if (page.Outcomes.Count == 0) await all.PauseAsync();
        }
    }

    private async Task EndAsync(JobId job)
    {
        await all.InsistAsync(async (engine, hangUp) =>
        {
            try
            {
                await engine.ResumeAsync(job, hangUp);
                await engine.SealAsync(job, hangUp);
            }
            catch (RefusedException e) when (e.Refusal is Refusal.Ended or Refusal.NotABatch)
            {
                // Nothing keeps it from ending.
            }
            return true;
        });
        while (!(await all.InsistAsync((engine, hangUp) => engine.GetStatusAsync(job, hangUp))).State.IsEnd())
            await all.PauseAsync();
    }

    // Submitted a piece at a time.
    private async IAsyncEnumerable<Item> ItemsAsync(IReadOnlyList<Item> items)
    {
        foreach (Item item in items)
        {
            if (world.Random.Chance(10)) await Task.Yield();
            yield return item;
        }
    }
}
