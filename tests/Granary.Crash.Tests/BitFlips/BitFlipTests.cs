using System.Globalization;
using System.Text;
using Granary.Embedded;
using Granary.Embedded.Sqlite;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;
using Xunit.Abstractions;

namespace Granary.Crash.Tests.BitFlips;

/// <summary>A database with one wrong bit: it is noticed, or it does no harm.</summary>
public sealed class BitFlipTests(ITestOutputHelper output) : IDisposable
{
    private const int Flips = 1_000;
    // A thousand times what one takes: only what never ends is found by it.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _directory = Settings.MemoryDirectory();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_flipped_bit_is_reported_or_harmless_and_never_a_wrong_result()
    {
        byte[] whole = await MakeAsync();
        Dictionary<string, string> right = await ReadAllAsync(whole);
        var random = new Random(Settings.Seed);
        int harmless = 0, reported = 0;
        var problems = new List<string>();
        for (int i = 0; i < Flips; i++)
        {
            int at = random.Next(whole.Length), bit = random.Next(8);
            byte[] flipped = [.. whole];
            flipped[at] ^= (byte)(1 << bit);
            string what = $"bit {bit} of byte {at}";
            try
            {
                // On a thread of its own, which an endless loop may keep.
                (bool found, List<string> wrong) =
                    await Task.Run(() => TryAsync(flipped, right)).WaitAsync(s_patience);
                if (found) reported++;
                else if (wrong.Count == 0) harmless++;
                problems.AddRange(wrong.Select(text => $"{what}: {text}"));
            }
            catch (Exception crash) when (crash is not StoreException)
            {
                problems.Add($"{what}: {crash}");
                // What has not ended still works on the same file.
                if (crash is TimeoutException) break;
            }
        }
        output.WriteLine($"{Flips} flips in {whole.Length} bytes: {reported} reported, {harmless} harmless, " +
            $"{problems.Count} problems");
        Assert.True(problems.Count == 0, string.Join("\n", problems));
    }

    // Whether damage was reported, and what was read wrong.
    private async Task<(bool Reported, List<string> Wrong)> TryAsync(byte[] file, Dictionary<string, string> right)
    {
        Dictionary<string, string> now;
        bool reported;
        try
        {
            now = await ReadAllAsync(file);
            reported = now.Values.Any(answer => answer.StartsWith('!'));
        }
        catch (StoreException)
        {
            return (true, []);
        }
        var wrong = new List<string>();
        foreach ((string question, string answer) in right)
        {
            string given = now.GetValueOrDefault(question, "nothing");
            // A file that is known to be damaged may lack something; what it gives must be right.
            if (given == answer || given.StartsWith('!') || (reported && given == "nothing")) continue;
            wrong.Add($"{question} is '{given}', was '{answer}'{(reported ? ", damage reported" : "")}");
        }
        return (reported, wrong);
    }

    // Every answer that a reader could get; those that are refused as damaged begin with an exclamation mark.
    private async Task<Dictionary<string, string>> ReadAllAsync(byte[] file)
    {
        foreach (string old in Directory.GetFiles(_directory)) File.Delete(old);
        string path = Path.Combine(_directory, "jobs.db");
        await File.WriteAllBytesAsync(path, file);
        var answers = new Dictionary<string, string>();
        await using SqliteJobStore store = await SqliteJobStore.OpenAsync(
            new SqliteStoreOptions { Path = path }, CancellationToken.None);
        int damage = (await store.CheckAsync(CancellationToken.None)).Count;
        try
        {
            await foreach (string _ in StoreVerifier.VerifyAsync(store)) damage++;
        }
        catch (StoreException)
        {
            damage++;
        }
        if (damage > 0) answers["check"] = "!";
        await using (EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, Story.Handlers(null)))
        {
            foreach (string key in Story.ItemCounts.Keys) await AskAsync(engine, key, answers);
            await engine.StopAsync();
        }
        return answers;
    }

    private static async Task AskAsync(EmbeddedEngine engine, string key, Dictionary<string, string> answers)
    {
        JobId job = default;
        await AnswerAsync(answers, $"find {key}", async () =>
        {
            if (await engine.FindAsync(key) is not { } found) return "nothing";
            job = found;
            return found.ToString();
        });
        if (job == default) return;
        await AnswerAsync(answers, $"status of {key}", async () =>
        {
            JobStatus s = await engine.GetStatusAsync(job);
            return string.Create(CultureInfo.InvariantCulture,
                $"{s.State} {s.Reason} {s.ItemCount} {s.CompletionCount} {s.Counts} {s.Spec.Key} {s.SubmittedAt:O}");
        });
        await AnswerAsync(answers, $"results of {key}", async () =>
            Join(await engine.ReadOutcomesAsync(job, 0, 100)));
        await AnswerAsync(answers, $"completions of {key}", async () =>
            Join((await engine.ReadCompletionsAsync(job, 0, 1_000, TimeSpan.Zero)).Outcomes));
    }

    private static async Task AnswerAsync(
        Dictionary<string, string> answers, string question, Func<Task<string>> ask)
    {
        try
        {
            string answer = await ask();
            if (answer != "nothing") answers[question] = answer;
        }
        catch (StoreException refused)
        {
            answers[question] = "!" + refused.Message;
        }
        catch (RefusedException refused) when (refused.Refusal == Refusal.NotFound)
        {
            // Nothing, then.
        }
    }

    private static string Join(IEnumerable<Outcome?> outcomes)
    {
        var text = new StringBuilder();
        foreach (Outcome? outcome in outcomes) text.AppendLine(outcome is null ? "none" : Ack.Render(outcome));
        return text.ToString();
    }

    private async Task<byte[]> MakeAsync()
    {
        string path = Path.Combine(_directory, "made.db");
        using (var diary = new Diary(Path.Combine(_directory, "acks")))
        await using (SqliteJobStore store = await SqliteJobStore.OpenAsync(
            new SqliteStoreOptions { Path = path }, CancellationToken.None))
        await using (EmbeddedEngine engine = await EmbeddedEngine.StartAsync(store, Story.Handlers(diary)))
        {
            var story = new Story(new GranaryClient(engine), diary, run: 1);
            await story.TellAsync(large: false);
            await story.TellAgainAsync(large: false);
        }
        return await File.ReadAllBytesAsync(path);
    }
}
