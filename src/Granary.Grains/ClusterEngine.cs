using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Granary.Activations;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;
using Granary.Telemetry;

namespace Granary.Grains;

/// <summary>
/// Jobs on a cluster, from any Orleans client or from inside a silo. It holds nothing: what a call needs goes with it,
/// and a call that found its silo gone is made again where that does no harm.
/// </summary>
public sealed class ClusterEngine : IJobEngine
{
    /// <summary>Spans of a timeline read at a time.</summary>
    private const int SpansAtOnce = 10_000;

    /// <summary>Kinds of jobs remembered, so that they need not be asked for.</summary>
    private const int MaxKinds = 10_000;

    private readonly IGrainFactory _grains;
    private readonly ClusterOptions _options;
    private readonly TimeProvider _time;
    private readonly JobIds _ids;
    private readonly ClusterCalls _calls;
    private readonly ConcurrentDictionary<JobId, JobName> _names = new();

    /// <summary>Makes one over a connected client, or over a silo's own grain factory.</summary>
    /// <param name="grains">Where the grains are.</param>
    /// <param name="options">As on the silos; null for the defaults.</param>
    public ClusterEngine(IGrainFactory grains, ClusterOptions? options = null)
        : this(grains, options ?? new ClusterOptions(), CancellationToken.None)
    {
    }

    internal ClusterEngine(IGrainFactory grains, ClusterOptions options, CancellationToken stopping)
    {
        (_grains, _options, _calls) = (grains, options, new ClusterCalls(stopping));
        _options.Check();
        _time = _options.Time;
        _ids = new JobIds(_time, Random.Shared);
    }

    private IJobIndexGrain Index => _grains.GetGrain<IJobIndexGrain>(0);

    /// <inheritdoc/>
    public Task<Submission> SubmitAsync(
        JobSpec spec, IAsyncEnumerable<Item> items, CancellationToken cancellation = default) =>
        Spans.AcceptAsync(spec.Kind, trace => SubmitAsync(spec, items, trace, cancellation));

    private async Task<Submission> SubmitAsync(
        JobSpec spec, IAsyncEnumerable<Item> items, TraceContext trace, CancellationToken cancellation)
    {
        SpecRules.Check(spec);
        if (spec.Key is { } key && await FindAsync(key, cancellation) is { } existing)
            return await CompareAsync(existing, spec, items, cancellation);
        var header = new JobHeader(_ids.Next(), spec, Instant.From(_time.GetUtcNow())) { Trace = trace };
        var name = new JobName(header.Id.Value, (byte)spec.Kind);
        IJobGrain job = GrainOf(name);
        try
        {
            SubmitAnswer answer = await SendAsync(
                header, items, chunk => _calls.RepeatAsync(() => job.SubmitAsync(chunk), cancellation), cancellation);
            if (answer == SubmitAnswer.Live)
            {
                Remember(name);
                return new Submission(header.Id, Existed: false);
            }
            if (answer != SubmitAnswer.KeyTaken) throw Lost(header.Id, answer);
        }
        catch
        {
            _ = DiscardAsync(job);
            throw;
        }
        // Somebody else submitted under this key at the same time.
        JobId other = await FindAsync(spec.Key!, cancellation) ?? throw new RefusedException(
            Refusal.KeyConflict, $"The key '{spec.Key}' was taken and freed again; submit again.");
        return await CompareAsync(other, spec, items, cancellation);
    }

    /// <inheritdoc/>
    public async Task<AppendReceipt> AppendAsync(
        JobId job, IAsyncEnumerable<Item> items, string? key = null, CancellationToken cancellation = default)
    {
        ItemWire[] given = [.. (await items.ToListAsync(cancellation)).ToWire()];
        IBatchGrain batch = await BatchAsync(job, cancellation);
        // Without a key nobody could tell a repeated call from another append.
        (int first, int count) = key is null
            ? await _calls.OnceAsync(() => batch.AppendAsync(given, key), cancellation)
            : await _calls.RepeatAsync(() => batch.AppendAsync(given, key), cancellation);
        return new AppendReceipt(first, count);
    }

    /// <inheritdoc/>
    public async Task SealAsync(JobId job, CancellationToken cancellation = default)
    {
        IBatchGrain batch = await BatchAsync(job, cancellation);
        await _calls.RepeatAsync(batch.SealAsync, cancellation);
    }

    /// <inheritdoc/>
    public async Task<JobId?> FindAsync(string key, CancellationToken cancellation = default)
    {
        JobName name = await _calls.RepeatAsync(() => Index.FindAsync(key), cancellation);
        if (name.Id == 0) return null;
        Remember(name);
        return new JobId(name.Id);
    }

    /// <inheritdoc/>
    public async Task<JobStatus> GetStatusAsync(JobId job, CancellationToken cancellation = default)
    {
        IJobGrain grain = await JobAsync(job, cancellation);
        return (await _calls.RepeatAsync(grain.GetStatusAsync, cancellation)).ToStatus();
    }

    /// <inheritdoc/>
    public async Task<JobPage> ListAsync(JobQuery query, CancellationToken cancellation = default)
    {
        JobListing.Check(query);
        StatusWire[] listed = await _calls.RepeatAsync(
            () => Index.ListAsync((byte?)query.State, query.Before?.Value, query.Max), cancellation);
        return JobListing.ToPage(query, Array.ConvertAll(listed, wire => wire.ToStatus()));
    }

    /// <inheritdoc/>
    public async Task<CompletionPage> ReadCompletionsAsync(
        JobId job, int after, int max, TimeSpan patience, CancellationToken cancellation = default)
    {
        IJobGrain grain = await JobAsync(job, cancellation);
        long start = _time.GetTimestamp();
        while (true)
        {
            TimeSpan left = patience - _time.GetElapsedTime(start);
            TimeSpan wait = left < TimeSpan.Zero ? TimeSpan.Zero
                : left < JobGrain.MaxPatience ? left : JobGrain.MaxPatience;
            CompletionsWire page = await _calls.RepeatAsync(
                () => grain.ReadCompletionsAsync(after, max, wait), cancellation, takes: wait);
            if (page.Outcomes.Length > 0 || page.Ended || left <= JobGrain.MaxPatience)
                return new CompletionPage(Array.ConvertAll(page.Outcomes, wire => wire.ToOutcome()), page.Ended);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Outcome?>> ReadOutcomesAsync(
        JobId job, int from, int max, CancellationToken cancellation = default)
    {
        IJobGrain grain = await JobAsync(job, cancellation);
        OutcomeWire?[] outcomes =
            await _calls.RepeatAsync(() => grain.ReadOutcomesAsync(from, max), cancellation);
        return Array.ConvertAll(outcomes, wire => wire?.ToOutcome());
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PendingTask>> ListPendingAsync(
        JobId job, int after, int max, CancellationToken cancellation = default)
    {
        IJobGrain grain = await JobAsync(job, cancellation);
        PendingWire[] pending = await _calls.RepeatAsync(() => grain.ListPendingAsync(after, max), cancellation);
        return Array.ConvertAll(pending, wire => wire.ToTask());
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<TimelineSpan> ReadTimelineAsync(
        JobId job, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        IJobGrain grain = await JobAsync(job, cancellation);
        for (int read = 0; ;)
        {
            int skip = read;
            SpanWire[] spans =
                await _calls.RepeatAsync(() => grain.ReadTimelineAsync(skip, SpansAtOnce), cancellation);
            foreach (SpanWire span in spans) yield return span.ToSpan();
            read += spans.Length;
            if (spans.Length < SpansAtOnce) yield break;
        }
    }

    /// <inheritdoc/>
    public async Task CancelAsync(JobId job, CancelScope scope, CancellationToken cancellation = default)
    {
        IJobGrain grain = await JobAsync(job, cancellation);
        await _calls.RepeatAsync(() => grain.CancelAsync((byte)scope), cancellation);
    }

    /// <inheritdoc/>
    public async Task ResizeAsync(JobId job, int maxConcurrency, CancellationToken cancellation = default)
    {
        SpecRules.CheckPool("maxConcurrency", maxConcurrency);
        IBatchGrain batch = await BatchAsync(job, cancellation);
        await _calls.RepeatAsync(() => batch.ResizeAsync(maxConcurrency), cancellation);
    }

    /// <inheritdoc/>
    public Task PauseAsync(JobId job, CancellationToken cancellation = default) => PauseAsync(job, true, cancellation);

    /// <inheritdoc/>
    public Task ResumeAsync(JobId job, CancellationToken cancellation = default) =>
        PauseAsync(job, false, cancellation);

    /// <inheritdoc/>
    public async Task<int> RetryFailedAsync(JobId job, CancellationToken cancellation = default)
    {
        IJobGrain grain = await JobAsync(job, cancellation);
        return await _calls.OnceAsync(grain.RetryFailedAsync, cancellation);
    }

    private async Task PauseAsync(JobId job, bool paused, CancellationToken cancellation)
    {
        IJobGrain grain = await JobAsync(job, cancellation);
        await _calls.RepeatAsync(() => grain.PauseAsync(paused), cancellation);
    }

    private async Task<Submission> CompareAsync(
        JobId existing, JobSpec spec, IAsyncEnumerable<Item> items, CancellationToken cancellation)
    {
        IJobGrain job = await JobAsync(existing, cancellation);
        await SendAsync(new JobHeader(existing, spec, default), items, CompareAsync, cancellation);
        return new Submission(existing, Existed: true);

        async Task<SubmitAnswer> CompareAsync(SubmitChunk chunk)
        {
            await _calls.RepeatAsync(() => job.CompareAsync(chunk), cancellation);
            return SubmitAnswer.Taken;
        }
    }

    // A few pages at a time, so that memory holds no more of a submission than a call does.
    private async Task<SubmitAnswer> SendAsync(
        JobHeader header, IAsyncEnumerable<Item> items, Func<SubmitChunk, Task<SubmitAnswer>> send,
        CancellationToken cancellation)
    {
        var writer = new PageWriter(header, 0, 1, static _ => true, _options.MaxArgumentBytes);
        byte[] head = JobCodec.Write(header).ToArray();
        var pages = new List<PageWire>();
        int first = 0;
        await foreach (Item item in items.WithCancellation(cancellation))
        {
            writer.Add(item, writer.ItemCount);
            if (!writer.HasFull) continue;
            pages.AddRange(writer.TakeFull().Select(page => page.ToWire()));
            if (pages.Count < Staging.PagesAtOnce) continue;
            SubmitAnswer answer = await send(Chunk(isLast: false));
            if (answer != SubmitAnswer.Taken) return answer;
            first += pages.Count;
            pages.Clear();
        }
        pages.AddRange(writer.Finish().Select(page => page.ToWire()));
        return await send(Chunk(isLast: true));

        SubmitChunk Chunk(bool isLast) => new()
        {
            Header = head, Pages = [.. pages], FirstPage = first, IsLast = isLast, ItemCount = writer.ItemCount,
        };
    }

    private static async Task DiscardAsync(IJobGrain job)
    {
        try
        {
            await job.DiscardAsync();
        }
        catch (Exception)
        {
            // What is left of it is invisible, and is removed as abandoned.
        }
    }

    private static StoreException Lost(JobId job, SubmitAnswer answer) => new(
        StoreFault.Unavailable,
        answer == SubmitAnswer.IdTaken
            ? $"The id {job} is in use; submit again."
            : $"The silo that took job {job} in was lost before all of it was there; submit again.");

    private async ValueTask<IBatchGrain> BatchAsync(JobId job, CancellationToken cancellation) =>
        await JobAsync(job, cancellation) as IBatchGrain ?? throw Refusals.Of(Refusal.NotABatch, job);

    private async ValueTask<IJobGrain> JobAsync(JobId job, CancellationToken cancellation)
    {
        if (_names.TryGetValue(job, out JobName name)) return GrainOf(name);
        name = await _calls.RepeatAsync(() => Index.IdentifyAsync(job.Value), cancellation);
        if (name.Id == 0) throw Refusals.Of(Refusal.NotFound, job);
        Remember(name);
        return GrainOf(name);
    }

    private IJobGrain GrainOf(JobName name)
    {
        try
        {
            return _grains.GetJob(name);
        }
        catch (ObjectDisposedException)
        {
            throw ClusterCalls.Stopped();
        }
    }

    private void Remember(JobName name)
    {
        if (_names.Count >= MaxKinds) _names.Clear();
        _names[new JobId(name.Id)] = name;
    }
}
