using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Granary.Cli;
using Xunit.Abstractions;

namespace Granary.Crash.Tests.JobFiles;

/// <summary>Job files that are nearly right.</summary>
public sealed class JobFileFuzzTests(ITestOutputHelper output)
{
    private const int Files = 100_000;
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(5);
    private static readonly string[] s_handlers = ["echo", "exec", "http", "sleep"];

    [Fact]
    public void The_good_files_mean_the_same_to_both_readers()
    {
        foreach (byte[] file in Mutations.Good)
            Assert.Equal(JobFileText.OfJson(file), JobFileText.OfCommand(file, s_handlers));
    }

    [Fact]
    public void Mutated_job_files_are_refused_or_mean_what_their_JSON_says()
    {
        var random = new Random(Settings.Seed);
        int accepted = 0, refused = 0;
        TimeSpan longest = TimeSpan.Zero;
        var problems = new List<string>();
        for (int i = 0; i < Files; i++)
        {
            byte[] file = Mutations.Next(random);
            long start = Stopwatch.GetTimestamp();
            string? problem = Check(file, out bool isAccepted);
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            if (took > longest) longest = took;
            if (isAccepted) accepted++;
            else refused++;
            if (problem is not null) problems.Add($"{problem}\n{Encoding.UTF8.GetString(file)}");
        }
        output.WriteLine($"{Files} files: {accepted} accepted with the meaning of their JSON, {refused} refused, " +
            $"{problems.Count} problems; the slowest took {longest.TotalMilliseconds:0.0} ms");
        Assert.True(problems.Count == 0, problems.FirstOrDefault());
        Assert.True(longest < s_hang, $"One took {longest}.");
        Assert.InRange(accepted, Files / 100, Files);
    }

    private static string? Check(byte[] file, out bool accepted)
    {
        accepted = false;
        string command;
        try
        {
            command = JobFileText.OfCommand(file, s_handlers);
        }
        catch (CliException refusal)
        {
            bool placed = refusal.Code == ExitCode.BadInput
                && refusal.Message.StartsWith("job.json:", StringComparison.Ordinal);
            return placed ? null : $"refused without a place: {refusal.Message}";
        }
#pragma warning disable CA1031 // Any other exception is what the test looks for.
        catch (Exception crash)
#pragma warning restore CA1031
        {
            return $"crashed: {crash}";
        }
        accepted = true;
        try
        {
            string json = JobFileText.OfJson(file);
            return json == command ? null : $"read as '{command}', its JSON says '{json}'";
        }
        catch (Exception strict) when (
            strict is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return $"accepted, but {strict.Message}";
        }
    }
}
