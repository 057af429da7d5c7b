using Granary.Activations;
using Granary.Batches;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>
/// Hosts one job's machine. The grain's turns only carry messages; the job's own turns decide, and its epoch in the
/// store, not this being its only activation, is what keeps others from writing. Fenced or faulted, it deactivates and
/// the next one loads what is durable.
/// </summary>
internal abstract class JobGrain(SiloEngine silo) : Grain, IJobGrain
{
    /// <summary>
    /// An answer takes at most so long to come, whatever the patience: 2 seconds. A grain that Orleans deactivates
    /// takes no more calls, and does not go before those under way have been answered.
    /// </summary>
    internal static readonly TimeSpan MaxPatience = TimeSpan.FromSeconds(2);

    private Staging? _staging;
    private Task<Activation>? _holding;
    private JobReader? _ended;

    protected SiloEngine Host => silo;

    private JobId Job => new(this.GetPrimaryKeyLong());

    private EngineContext Engine => silo.Engine;

    public async Task<SubmitAnswer> SubmitAsync(SubmitChunk chunk)
    {
        CheckRunning();
        JobHeader header = JobCodec.ReadHeader(Job, chunk.Header);
        if (_holding is not null) return await AnswerAgainAsync(header.Spec);
        if (silo.Runner.IsDraining && _staging is null) throw Draining();
        if (chunk.FirstPage == 0) _staging = new Staging(Engine, header with { SubmittedAt = Engine.Now });
        if (_staging is not { } staging || chunk.FirstPage > staging.State.Tree.PageCount) return SubmitAnswer.Lost;
        if (chunk.FirstPage == staging.State.Tree.PageCount)
            await staging.AddAsync([.. chunk.Pages.Select(page => page.ToPage())], CancellationToken.None);
        CheckHandlers(staging.State.Tree);
        if (!chunk.IsLast) return SubmitAnswer.Taken;
        SubmitAnswer answer = await PublishAsync(staging);
        return answer == SubmitAnswer.IdTaken ? await AnswerAgainAsync(header.Spec) : answer;
    }

    public async Task DiscardAsync()
    {
        if (_staging is { } staging) await staging.DiscardAsync();
        _staging = null;
    }

    public async Task CompareAsync(SubmitChunk chunk)
    {
        (_, JobReader reader) = await FindAsync();
        var comparison = new ContentComparison(Engine.Store, reader, chunk.FirstPage);
        comparison.CheckSpec(JobCodec.ReadHeader(Job, chunk.Header).Spec);
        foreach (PageWire page in chunk.Pages) await comparison.CheckPageAsync(page.ToPage(), CancellationToken.None);
        if (chunk.IsLast) comparison.CheckEnd(chunk.ItemCount);
    }

    public Task CancelAsync(byte scope) => TellAsync((machine, now) => machine.Cancel((CancelScope)scope, now));

    public Task PauseAsync(bool paused) => TellAsync((machine, now) => machine.Pause(paused, now));

    public async Task<int> RetryFailedAsync()
    {
        Activation job = await HoldAsync();
        return await job.AskAsync(static (a, now) =>
        {
            Refusals.Check(a.Machine.RetryFailed(now, out int count), a.Job);
            return count;
        });
    }

    public async Task<StatusWire> GetStatusAsync()
    {
        (Activation? activation, JobReader reader) = await FindAsync();
        JobSummary summary = reader.Summarize(reader.Log.RecordCount);
        JobHeader header = reader.State.Header;
        JobStatus? status = null;
        if (activation is not null)
            (summary, status) = await activation.AskAsync(static (a, now) => (a.Reader.Summarize(0), a.Status(now)));
        return new StatusWire(
            Job.Value, JobCodec.Write(header).ToArray(), JobCodec.Write(Job, summary).ToArray(), status?.Rate ?? 0,
            status?.ExpectedEnd);
    }

    public async Task<CompletionsWire> ReadCompletionsAsync(int after, int max, TimeSpan patience)
    {
        Ranges.Check(after, max);
        (Activation? activation, JobReader reader) = await FindAsync();
        TimeSpan wait = patience < MaxPatience ? patience : MaxPatience;
        CompletionPage page = activation is null
            ? await CompletionWatch.ReadEndedAsync(reader, after, max, CancellationToken.None)
            : await new CompletionWatch(activation, Engine.Options.Time, CheckRunning, silo.Stopping)
                .ReadAsync(after, max, wait, CancellationToken.None);
        return new CompletionsWire([.. page.Outcomes.Select(outcome => outcome.ToWire())], page.Ended);
    }

    public async Task<OutcomeWire?[]> ReadOutcomesAsync(int from, int max)
    {
        Ranges.Check(from, max);
        (Activation? activation, JobReader reader) = await FindAsync();
        int[] ordinals = activation is null
            ? reader.OrdinalsOf(from, max)
            : await activation.AskAsync((a, _) => a.Reader.OrdinalsOf(from, max));
        IReadOnlyList<Outcome?> outcomes = await reader.ReadOutcomesAsync(from, ordinals, CancellationToken.None);
        return [.. outcomes.Select(outcome => outcome?.ToWire())];
    }

    public async Task<PendingWire[]> ListPendingAsync(int after, int max)
    {
        Ranges.Check(0, max);
        (Activation? activation, JobReader reader) = await FindAsync();
        List<PendingTask> pending = activation is null
            ? reader.ListPending(after, max, static _ => null)
            : await activation.AskAsync((a, _) => a.Reader.ListPending(after, max, a.ProgressOf));
        return [.. pending.Select(task => task.ToWire())];
    }

    public async Task<SpanWire[]> ReadTimelineAsync(int skip, int max)
    {
        (_, JobReader reader) = await FindAsync();
        return await reader.ReadTimelineAsync(CancellationToken.None)
            .Skip(skip).Take(max).Select(span => span.ToWire()).ToArrayAsync();
    }

    public async Task ReportAsync(AttemptReport[] reports)
    {
        Activation job = await HoldAsync();
        await job.AskAsync((a, now) =>
        {
            foreach (AttemptReport report in reports) ((RemoteAttemptSet)a.Attempts).End(report, now);
            return true;
        });
    }

    public async Task<StopOrder[]> HeartbeatAsync(Heartbeat heartbeat)
    {
        Activation job = await HoldAsync();
        // Answered at once and not when something is durable: a store that is away stops no task.
        var received = new ReceivedHeartbeat(heartbeat);
        job.Post(received);
        return await received.Orders.WaitAsync(silo.Options.Lease, silo.Clock);
    }

    public async Task WakeAsync() => await HoldAsync();

    public async Task ExpireAsync()
    {
        StoredJob? stored = await Engine.Store.LoadAsync(Job, CancellationToken.None);
        if (stored is null || !IsExpired(stored)) return;
        if (_holding is { IsCompletedSuccessfully: true } held) LetGo(await held);
        while (!await Engine.Store.RemoveAsync(Job, 1_000, CancellationToken.None)) await Task.Yield();
        DeactivateOnIdle();
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_holding is not { } holding) return;
        await ((Task)holding).WaitAsync(cancellationToken).ConfigureAwait(Patience.Quietly);
        if (!holding.IsCompletedSuccessfully) return;
        Activation job = await holding;
        job.OnSettled = null;
        try
        {
            await silo.LetGoAsync(job).WaitAsync(cancellationToken);
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException)
        {
            job.Die(null);
        }
    }

    /// <summary>Asks the machine, in a turn of the job's own; answered when that is durable.</summary>
    protected async Task TellAsync(Func<BatchMachine, Instant, Refusal> command)
    {
        Activation job = await HoldAsync();
        await job.AskAsync((a, now) =>
        {
            Refusals.Check(command(a.Machine, now), a.Job);
            return true;
        });
    }

    /// <summary>The job in memory, and this silo's.</summary>
    protected async Task<Activation> HoldAsync()
    {
        CheckRunning();
        Task<Activation> holding = _holding ??= LoadAsync();
        try
        {
            Activation job = await holding;
            return job.IsDead ? throw job.Death() : job;
        }
        catch (Exception) when (holding.IsFaulted)
        {
            if (_holding == holding) _holding = null;
            throw;
        }
    }

    /// <summary>The job for reading it: in memory, or a reader alone if it has ended and nobody steers it.</summary>
    private async Task<(Activation?, JobReader)> FindAsync()
    {
        CheckRunning();
        if (_holding is null)
        {
            if (_ended is not null) return (null, _ended);
            StoredJob stored = await FindStoredAsync();
            if (stored.Phase == JobPhase.Finished && _holding is null)
                return (null, _ended = await JobLoader.LoadAsync(Engine.Store, stored, CancellationToken.None));
        }
        Activation job = await HoldAsync();
        return (job, job.Reader);
    }

    private async Task<Activation> LoadAsync()
    {
        await FindStoredAsync();
        StoredJob stored = await Engine.Store.AcquireAsync(Job, CancellationToken.None)
            ?? throw Refusals.Of(Refusal.NotFound, Job);
        JobReader reader = await JobLoader.LoadAsync(Engine.Store, stored, CancellationToken.None);
        Activation job = silo.Hold(reader, stored.Epoch);
        Watch(job);
        await job.RecoverAsync();
        _ended = null;
        return job;
    }

    private async Task<StoredJob> FindStoredAsync()
    {
        if (silo.Runner.IsDraining) throw Draining();
        return await Engine.Store.LoadAsync(Job, CancellationToken.None) ?? throw Refusals.Of(Refusal.NotFound, Job);
    }

    // The last part again, since its answer was lost; or an id that two clients made at once.
    private async Task<SubmitAnswer> AnswerAgainAsync(JobSpec spec)
    {
        (_, JobReader reader) = await FindAsync();
        return reader.State.Header.Spec == spec ? SubmitAnswer.Live : SubmitAnswer.IdTaken;
    }

    private async Task<SubmitAnswer> PublishAsync(Staging staging)
    {
        _staging = null;
        Activation job = await staging.CompleteAsync();
        Watch(job);
        // Whoever asks for the job from now on waits for this one and loads no other.
        var published = new TaskCompletionSource<Activation>(TaskCreationOptions.RunContinuationsAsynchronously);
        _holding = published.Task;
        WriteResult result;
        try
        {
            result = await staging.PublishAsync(job, CancellationToken.None);
            if (result == WriteResult.Written)
            {
                // Not before it is there: what the store does not know has been taken over.
                silo.Hold(job);
                published.SetResult(job);
                job.Committed();
                return SubmitAnswer.Live;
            }
        }
        catch (Exception e)
        {
            Withdraw(published, job, e);
            throw;
        }
        Withdraw(published, job, Refusals.Of(Refusal.NotFound, Job));
        if (result == WriteResult.IdTaken) return SubmitAnswer.IdTaken;
        await staging.DiscardAsync();
        return SubmitAnswer.KeyTaken;
    }

    private void Withdraw(TaskCompletionSource<Activation> published, Activation job, Exception why)
    {
        _holding = null;
        LetGo(job);
        published.SetException(why);
        _ = published.Task.Exception;
    }

    private void Watch(Activation job) => job.OnSettled = settled =>
    {
        if (!settled.IsDead) return;
        silo.LetGo(settled);
        GrainContext.Deactivate(new(DeactivationReasonCode.ApplicationError, "The job was taken over."));
    };

    private void LetGo(Activation job)
    {
        job.OnSettled = null;
        silo.LetGo(job);
        job.Die(null);
    }

    private void CheckHandlers(JobTree tree)
    {
        foreach (TaskProfile profile in tree.Profiles)
            if (Engine.Handlers.Find(profile.Handler) is null)
                throw new RefusedException(
                    Refusal.NoHandler,
                    $"The submission names the handler '{profile.Handler}', which is not registered on the silos; "
                    + "register it before they start.");
    }

    private bool IsExpired(StoredJob stored)
    {
        JobSummary summary = JobCodec.ReadSummary(Job, stored.Summary);
        TimeSpan retention = JobCodec.ReadHeader(Job, stored.Header).Spec.Retention;
        return stored.Phase == JobPhase.Finished && summary.FinishedAt + retention <= Engine.Now;
    }

    protected void CheckRunning()
    {
        if (silo.IsStopping) throw Draining();
    }

    // Elsewhere it is welcome: the next call finds another silo, unless this is the only one.
    private RefusedException Draining()
    {
        DeactivateOnIdle();
        return new RefusedException(Refusal.Stopping, "The silo is stopping.");
    }
}
