using System.Globalization;
using System.Text.Json;
using Granary.Engines;

namespace Granary.Crash;

/// <summary>
/// What the victim does, job by job. Each job can be told again after a crash: submits and appends carry keys, and
/// the rest does no harm twice.
/// </summary>
public sealed class Story(GranaryClient granary, Diary diary, int run)
{
    /// <summary>So large that the submission is staged: more pages than it keeps in memory.</summary>
    public const int LargeItems = 70;

    private const int LargeArgs = 64 * 1024;

    /// <summary>The jobs of a story, and the items each must have when it is sealed.</summary>
    public static IReadOnlyDictionary<string, int> ItemCounts { get; } = new Dictionary<string, int>
    {
        ["batch"] = 24, ["chain"] = 4, ["nested"] = 3, ["open"] = 12, ["steered"] = 12, ["canceled"] = 20,
        ["large"] = LargeItems, ["late"] = 3,
    };

    public static HandlerRegistry Handlers(Diary? diary) => new HandlerRegistry()
        .Handle<int, string>("work", (number, _) => Work(number))
        .Handle<int, string>("fail", string (number, _) => throw new InvalidOperationException($"Not {number}"))
        .Handle<int, string>("nap", async (number, task) =>
        {
            await Task.Delay(2, task.CancellationToken);
            return Work(number);
        })
        .Handle<string, int>("measure", (text, _) => text.Length)
        .Handle<string, string>("dot", (input, _) => input + ".")
        // Only the chain's: a start that is noted before the submission's answer must not pass for another job's.
        .Handle<string, string>("next", (input, task) =>
        {
            diary?.Add(new Ack(AckKind.Began, "chain", task.Job, task.Index, task.Node));
            return input + ".";
        });

    /// <summary>The JSON that the item must yield if it succeeds.</summary>
    public static string Expected(string key, int index) => (key, index) switch
    {
        ("chain", 0 or 1) => "\"w7\"",
        ("chain", 2) => "\"w7.\"",
        ("chain", 3) => "\"w7..\"",
        ("nested", 0) => "\"w1.\"",
        ("nested", 1) => """
            [{"index":0,"state":"Succeeded","value":"w1"},{"index":1,"state":"Succeeded","value":"w2"},
            """ + """{"index":2,"state":"Succeeded","value":"w3."}]""",
        ("large", _) => (LargeArgs + index).ToString(CultureInfo.InvariantCulture),
        _ => JsonSerializer.Serialize(Work(index)),
    };

    public static bool MayFail(string key, int index) => key == "batch" && index % 8 == 5;

    public static bool MayBeCanceled(string key) => key == "canceled";

    /// <summary>All of it, several jobs at a time.</summary>
    public async Task TellAsync(bool large)
    {
        Task[] jobs = large
            ? [LargeAsync(), BatchAsync()]
            : [BatchAsync(), ChainAsync(), NestedAsync(), OpenAsync(), SteeredAsync(), CanceledAsync()];
        await Task.WhenAll(jobs);
    }

    /// <summary>What is told after the store was closed and opened again.</summary>
    public async Task TellAgainAsync(bool large)
    {
        BatchHandle<string> late = await granary.StartBatchAsync<string>(
            [Item.Task("work", 0), Item.Task("work", 1), Item.Task("work", 2)], new BatchOptions { Key = "late" });
        Submitted("late", late.Id, 3);
        await FollowAsync("late", late.Id);
        foreach (string key in large ? new[] { "large", "batch" } : ["batch", "open", "nested"])
            if (await granary.FindAsync(key) is { } job) await FollowAsync(key, job);
    }

    private async Task BatchAsync()
    {
        IEnumerable<Item> items = Enumerable.Range(0, ItemCounts["batch"])
            .Select(i => (Item)Item.Task(MayFail("batch", i) ? "fail" : "work", i, i % 3 == 0
                ? new TaskOptions { Retries = 1, Backoff = TimeSpan.Zero }
                : null));
        var options = new BatchOptions { Key = "batch", MaxConcurrency = 4 };
        BatchHandle<string> batch = await granary.StartBatchAsync<string>(items, options);
        Submitted("batch", batch.Id, ItemCounts["batch"]);
        int seen = await FollowAsync("batch", batch.Id);
        diary.Add(new Ack(AckKind.Retrying, "batch", batch.Id, seen));
        int again = await batch.RetryFailedAsync();
        diary.Add(new Ack(AckKind.Retried, "batch", batch.Id, seen, again));
        await FollowAsync("batch", batch.Id);
    }

    private async Task ChainAsync()
    {
        ChainItem chain = Chain.Start("work", 7).Wait(TimeSpan.FromMilliseconds(3)).Then("next").Then("next");
        ChainHandle<string> handle = await granary.StartChainAsync<string>(chain, new ChainOptions { Key = "chain" });
        Submitted("chain", handle.Id, 4);
        await FollowAsync("chain", handle.Id);
    }

    private async Task NestedAsync()
    {
        Item[] items =
        [
            Item.Chain(Item.Task("work", 1), Item.Task("dot")),
            Item.Batch(
                2, Item.Task("work", 1), Item.Task("nap", 2), Item.Chain(Item.Task("nap", 3), Item.Task("dot"))),
            Item.Task("work", 2),
        ];
        BatchHandle<JsonElement> batch = await granary.StartBatchAsync(
            items, new BatchOptions { Key = "nested", MaxConcurrency = 3 });
        Submitted("nested", batch.Id, items.Length);
        await FollowAsync("nested", batch.Id);
    }

    private async Task OpenAsync()
    {
        var options = new BatchOptions { Key = "open", SealTimeout = TimeSpan.FromMinutes(10) };
        BatchHandle<string> batch = await granary.StartBatchAsync<string>([Item.Task("work", 0)], options);
        Submitted("open", batch.Id, 1);
        try
        {
            await AppendAsync(batch, "first", 1, 5);
            await AppendAsync(batch, "second", 6, 6);
        }
        catch (RefusedException refused) when (batch.Existed && refused.Refusal is Refusal.Sealed or Refusal.Ended)
        {
            // It was sealed before the crash.
        }
        await batch.SealAsync();
        diary.Add(new Ack(AckKind.Sealed, "open", batch.Id, ItemCounts["open"]));
        await FollowAsync("open", batch.Id);
    }

    private async Task AppendAsync(BatchHandle<string> batch, string key, int from, int count)
    {
        AppendReceipt receipt = await batch.AppendAsync("work", Enumerable.Range(from, count), key);
        diary.Add(new Ack(AckKind.Appended, "open", batch.Id, receipt.FirstIndex, receipt.Count));
    }

    private async Task SteeredAsync()
    {
        IEnumerable<Item> items = Enumerable.Range(0, ItemCounts["steered"]).Select(i => Item.Task("nap", i));
        var options = new BatchOptions { Key = "steered", MaxConcurrency = 1 };
        BatchHandle<string> batch = await granary.StartBatchAsync<string>(items, options);
        Submitted("steered", batch.Id, ItemCounts["steered"]);
        try
        {
            for (int step = 1; step <= 3; step++) await SteerAsync(batch, 1 + ((run + step) % 3));
        }
        catch (RefusedException refused) when (refused.Refusal == Refusal.Ended)
        {
            // It was quicker.
        }
        await FollowAsync("steered", batch.Id);
    }

    private async Task SteerAsync(BatchHandle<string> batch, int pool)
    {
        diary.Add(new Ack(AckKind.Resizing, "steered", batch.Id, pool));
        await batch.ResizePoolAsync(pool);
        diary.Add(new Ack(AckKind.Resized, "steered", batch.Id, pool));
        diary.Add(new Ack(AckKind.Pausing, "steered", batch.Id));
        await batch.PauseAsync();
        diary.Add(new Ack(AckKind.Paused, "steered", batch.Id));
        diary.Add(new Ack(AckKind.Resuming, "steered", batch.Id));
        await batch.ResumeAsync();
        diary.Add(new Ack(AckKind.Resumed, "steered", batch.Id));
    }

    private async Task CanceledAsync()
    {
        IEnumerable<Item> items = Enumerable.Range(0, ItemCounts["canceled"]).Select(i => Item.Task("nap", i));
        BatchHandle<string> batch = await granary.StartBatchAsync<string>(items, new BatchOptions { Key = "canceled" });
        Submitted("canceled", batch.Id, ItemCounts["canceled"]);
        await batch.WaitAsync(WaitFor.First);
        diary.Add(new Ack(AckKind.Canceling, "canceled", batch.Id));
        await batch.CancelPendingAsync();
        diary.Add(new Ack(AckKind.Canceled, "canceled", batch.Id));
        await batch.CancelAsync();
        diary.Add(new Ack(AckKind.Canceled, "canceled", batch.Id, 1));
        await FollowAsync("canceled", batch.Id);
    }

    private async Task LargeAsync()
    {
        IEnumerable<string> args = Enumerable.Range(0, LargeItems).Select(i => new string('x', LargeArgs + i));
        var options = new BatchOptions { Key = "large", MaxConcurrency = 8 };
        BatchHandle<int> batch = await granary.StartBatchAsync<string, int>("measure", args, options);
        Submitted("large", batch.Id, LargeItems);
        await FollowAsync("large", batch.Id);
    }

    private void Submitted(string key, JobId job, int items) =>
        diary.Add(new Ack(AckKind.Submitted, key, job, items));

    // Writes down every outcome from the first, and returns how many there were.
    private async Task<int> FollowAsync(string key, JobId job)
    {
        for (int after = 0; ;)
        {
            CompletionPage page = await granary.Engine.ReadCompletionsAsync(
                job, after, 1_000, TimeSpan.FromSeconds(10));
            foreach (Outcome outcome in page.Outcomes)
                diary.Add(new Ack(AckKind.Shown, key, job, outcome.Sequence, outcome.Index, Ack.Render(outcome)));
            if (page.Outcomes.Count > 0) after = page.Outcomes[^1].Sequence;
            if (!page.Ended) continue;
            diary.Add(new Ack(AckKind.Ended, key, job, after));
            return after;
        }
    }

    private static string Work(int number) => "w" + number.ToString(CultureInfo.InvariantCulture);
}
