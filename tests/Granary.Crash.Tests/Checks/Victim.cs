using System.Diagnostics;
using System.Globalization;
using Granary.Embedded.Sqlite;

namespace Granary.Crash.Tests;

/// <summary>How a victim ended.</summary>
internal sealed record Ending(int Code, string Error)
{
    public const int Killed = 128 + 9;
}

/// <summary>A victim's files, in a directory of their own, and the runs over them.</summary>
internal sealed class Victim : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "Granary.Crash.Victim.dll");
    private int _runs;

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("granary-crash-").FullName;

    public string Database => Path.Combine(Directory, "jobs.db");

    public string Log => Database + "-wal";

    /// <summary>Outside of the directory that is watched.</summary>
    public string Diary => Path.Combine(Directory, "acks");

    public string Trace => Path.Combine(Directory, "trace");

    public SyncMode Synchronous { get; init; } = SyncMode.Full;

    /// <summary>Pages in the log before it is emptied: few, so that it is emptied often.</summary>
    public int CheckpointPages { get; init; } = 64;

    /// <summary>What the victim wrote down so far.</summary>
    public List<Ack> Acks => File.Exists(Diary) ? [.. Ack.ParseAll(File.ReadAllText(Diary))] : [];

    /// <summary>Runs the story once more over the same files, under strace if arguments for it are given.</summary>
    public async Task<Ending> RunAsync(string story, params string[] strace)
    {
        string[] command =
        [
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", s_program, story, Database, Diary,
            (++_runs).ToString(CultureInfo.InvariantCulture), Synchronous.ToString(),
            CheckpointPages.ToString(CultureInfo.InvariantCulture),
        ];
        if (strace.Length > 0) command = ["strace", "-f", "-qq", .. strace, .. command];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true };
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_GCHeapHardLimit"] = "0x10000000";
        using Process process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(s_patience);
        try
        {
            string error = await process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return new Ending(process.ExitCode, error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The victim did not end within {s_patience}.");
        }
    }

    public Task<SqliteJobStore> OpenAsync() =>
        SqliteJobStore.OpenAsync(new SqliteStoreOptions { Path = Database }, CancellationToken.None);

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
