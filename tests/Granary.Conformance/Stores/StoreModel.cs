using Granary.Engines;
using Granary.Stores;
using Xunit;

namespace Granary.Conformance.Stores;

/// <summary>Does the same random things to a store and to the memory store, and compares every answer. On the memory
/// store itself it shows that no sequence of operations breaks it.</summary>
internal sealed class StoreModel(IJobStore model, IJobStore store, int seed)
{
    private const int Ids = 40;
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly Random _random = new(seed);
    private readonly List<string> _history = [];

    public async Task RunAsync(int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            (string name, Func<IJobStore, Task<string>> operation) = await ChooseAsync();
            _history.Add(name);
            string expected = await operation(model);
            string actual = await operation(store);
            Assert.True(expected == actual, $"Seed {seed}, operation {i}: expected {expected}, got {actual} from " +
                $"{name}; before it: {string.Join(" | ", _history.TakeLast(20))}");
        }
    }

    private async Task<(string Name, Func<IJobStore, Task<string>> Operation)> ChooseAsync()
    {
        JobId job = Id();
        int from = _random.Next(4), max = _random.Next(1, 6);
        bool bulk = _random.Next(2) == 0;
        string key = Key();
        DateTimeOffset time = Time();
        return _random.Next(18) switch
        {
            < 4 => await CommitAsync(),
            4 => ($"acquire {job}", async s => Show(await s.AcquireAsync(job, default))),
            5 or 6 => ($"load {job}", async s => Show(await s.LoadAsync(job, default))),
            7 => ($"find {key}", async s => $"{await s.FindAsync(key, default)}"),
            8 => ($"pages {job} {from} {max}",
                async s => Show(await s.ReadPagesAsync(job, from, max, bulk, default), Show)),
            9 => ($"records {job} {from} {max}",
                async s => Show(await s.ReadRecordsAsync(job, from, max, bulk, default), Show)),
            10 or 11 => List(max),
            12 => ($"live {job}", async s => Show(await s.ListLiveAsync(job, max, default), id => $"{id}")),
            13 => ($"expired {time}", async s => Show(await s.ListExpiredAsync(time, max, default), id => $"{id}")),
            14 => ($"staged {time}", async s => Show(await s.ListStagedAsync(time, max, default), id => $"{id}")),
            15 => ($"due {time}", async s => Show(await s.ListDueAsync(time, max, default), id => $"{id}")),
            16 => await PostponeAsync(time),
            _ => ($"remove {job}", s => RemoveAsync(s, job)),
        };
    }

    private async Task<(string, Func<IJobStore, Task<string>>)> CommitAsync()
    {
        var writes = new JobWrite[_random.Next(1, 8)];
        for (int i = 0; i < writes.Length; i++) writes[i] = await WriteAsync();
        return ("commit " + string.Join(", ", writes.Select(Show)),
            async s => string.Join(",", await s.CommitAsync(writes, default)));
    }

    // Some of them held by somebody else, and some gone.
    private async Task<(string, Func<IJobStore, Task<string>>)> PostponeAsync(DateTimeOffset time)
    {
        var held = new Dictionary<JobId, HeldJob>();
        for (int i = _random.Next(6); i > 0; i--)
        {
            JobId job = Id();
            held[job] = new HeldJob(job, ((await model.LoadAsync(job, default))?.Epoch ?? 1) + _random.Next(5) / 4);
        }
        return ($"postpone {string.Join(" ", held.Values)} to {time}", async s =>
            Show((await s.PostponeAsync([.. held.Values], time, default)).Order(), id => $"{id}"));
    }

    private (string, Func<IJobStore, Task<string>>) List(int max)
    {
        var query = new JobQuery
        {
            Max = max,
            State = _random.Next(2) == 0 ? null : State(),
            Before = _random.Next(2) == 0 ? null : Id(),
        };
        return ($"list {query}", async s => Show(await s.ListAsync(query, default), Show));
    }

    // Mostly what a real writer would send, so that jobs get anywhere; the rest is wrong in some way.
    private async Task<JobWrite> WriteAsync()
    {
        JobId job = Id();
        StoredJob? row = await model.LoadAsync(job, default);
        bool wild = _random.Next(5) == 0;
        bool isNew = wild ? _random.Next(2) == 0 : row is null;
        int skip = wild ? _random.Next(2) : 0;
        int pages = (await model.ReadPagesAsync(job, 0, int.MaxValue, false, default)).Count + skip;
        int records = (await model.ReadRecordsAsync(job, 0, int.MaxValue, false, default)).Count + skip;
        var phase = (JobPhase)_random.Next(1, 4);
        return new JobWrite
        {
            Job = job,
            Epoch = (isNew ? 1 : row?.Epoch ?? 1) + (wild ? _random.Next(2) : 0),
            Header = isNew ? Blob() : null,
            Phase = phase,
            Key = phase == JobPhase.Live && _random.Next(4) == 0 ? Key() : null,
            State = State(),
            Summary = Blob(),
            ExpiresAt = phase == JobPhase.Finished ? Time() : null,
            DueAt = _random.Next(2) == 0 ? Time() : null,
            Pages = [.. Enumerable.Range(pages, _random.Next(3)).Select(i => new StoredPage(i, Blob(), Blob()))],
            Record = _random.Next(2) == 0 ? null : new StoredRecord(records, Blob(), Blob()),
        };
    }

    private JobId Id() => new(_random.Next(1, Ids));

    private string Key() => $"key {_random.Next(10)}";

    private JobState State() => (JobState)_random.Next(1, 9);

    private DateTimeOffset Time() => Noon.AddMinutes(_random.Next(100));

    private byte[] Blob()
    {
        byte[] blob = new byte[_random.Next(20) == 0 ? _random.Next(20_000) : _random.Next(12)];
        _random.NextBytes(blob);
        return blob;
    }

    private static async Task<string> RemoveAsync(IJobStore store, JobId job)
    {
        while (!await store.RemoveAsync(job, 2, default)) { }
        return "removed";
    }

    private static string Show<T>(IEnumerable<T> rows, Func<T, string> show) => string.Join(";", rows.Select(show));

    private static string Show(StoredJob? job) => job is null
        ? "none"
        : $"{job.Job} {job.Epoch} {job.Phase} {Show(job.Header)} {Show(job.Summary)}";

    private static string Show(StoredPage page) => $"{page.Number} {Show(page.Shape)} {Show(page.Args)}";

    private static string Show(StoredRecord record) => $"{record.Number} {Show(record.Events)} {Show(record.Values)}";

    private static string Show(JobWrite write) =>
        $"{(write.Header is null ? "" : "new ")}{write.Job} {write.Epoch} {write.Phase} {write.Key} " +
        $"p{string.Join("+", write.Pages.Select(p => p.Number))} r{write.Record?.Number}";

    private static string Show(ReadOnlyMemory<byte> blob) => Convert.ToHexString(blob.Span);
}
