using System.Diagnostics;
using System.Globalization;

namespace Granary.Conformance.Stores;

/// <summary>
/// A PostgreSQL server that the tests start for themselves, with its files and its socket in a temporary directory. One
/// for the test process, or more for tests that stop them. It ends with the process, whichever way that ends.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Prefix = "granary-pg-";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private static readonly Lazy<Task<PostgresServer>> s_shared = new(() => LaunchAsync());
    private static int s_names;

    private readonly string _directory;
    private readonly string[] _settings;
    private Process? _process;

    private PostgresServer(string directory, string[] settings) => (_directory, _settings) = (directory, settings);

    /// <summary>Why there is no server here; null where there is one.</summary>
    public static string? Missing { get; } = OperatingSystem.IsWindows() ? "The tests' PostgreSQL needs Unix."
        : PostgresPrograms.Directory is null ? "There is no PostgreSQL here: install the package postgresql."
        : null;

    /// <summary>The directory of its socket, where others have a host; it listens on no port.</summary>
    public string Host => _directory;

    /// <summary>The socket.</summary>
    public string Socket => Path.Combine(_directory, ".s.PGSQL.5432");

    /// <summary>The address of the superuser, as PostgreSQL's own programs take it.</summary>
    public string Address => $"postgres://postgres@/postgres?host={Uri.EscapeDataString(Host)}";

    private string Data => Path.Combine(_directory, "data");

    private string Log => Path.Combine(_directory, "log");

    private string PidFile => Path.Combine(Data, "postmaster.pid");

    /// <summary>The server that the tests of this process share. Do not stop it.</summary>
    public static Task<PostgresServer> SharedAsync() => s_shared.Value;

    /// <summary>Starts a server of one's own. What servers of tests left behind that were killed is cleared
    /// away. Settings are as in <c>postgresql.conf</c>: <c>fsync=off</c>.</summary>
    public static async Task<PostgresServer> LaunchAsync(params string[] settings)
    {
        PostgresPrograms.ClearAway(Prefix);
        string directory = Directory.CreateTempSubdirectory(
            string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-")).FullName;
        await PostgresPrograms.GiveAsync(directory);
        var server = new PostgresServer(directory, settings);
        await PostgresPrograms.RunAsync("initdb", "-D", server.Data, "-U", "postgres", "-A", "trust",
            "--no-locale", "-E", "UTF8", "--no-sync");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Remove();
        await server.StartAsync();
        return server;
    }

    /// <summary>A schema's name that no other test of this process has.</summary>
    public static string NewSchema() =>
        string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref s_names)}");

    /// <summary>The connection string of a role, the superuser if none is named.</summary>
    public string ConnectionString(string role = "postgres") => $"Host={Host};Username={role};Database=postgres";

    /// <summary>Starts it again after it was stopped or killed, and waits until it serves.</summary>
    public async Task StartAsync()
    {
        // What a killed server has left in memory goes a moment later.
        for (long start = Stopwatch.GetTimestamp(); !await TryStartAsync(); await Task.Delay(100))
        {
            if (Stopwatch.GetElapsedTime(start) > s_patience)
                throw new InvalidOperationException("PostgreSQL did not start: " + await File.ReadAllTextAsync(Log));
        }
    }

    /// <summary>Stops it in order; sessions are cut off.</summary>
    public async Task StopAsync()
    {
        if (_process is not { } process) return;
        PostgresPrograms.Signal(Postmaster()!.Value, PostgresPrograms.SigInt);
        await process.WaitForExitAsync();
        _process = null;
    }

    /// <summary>Kills all of it at once, as a power cut does to its memory.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process) return;
        List<int> all = Processes();
        foreach (int pid in all) PostgresPrograms.Signal(pid, PostgresPrograms.SigKill);
        await process.WaitForExitAsync();
        while (all.Exists(PostgresPrograms.IsRunning)) await Task.Delay(5);
        // It says of the killed server that it is ready.
        File.Delete(PidFile);
        _process = null;
    }

    /// <summary>Freezes all of it: connections stay, and nothing answers.</summary>
    public void Freeze()
    {
        foreach (int pid in Processes()) PostgresPrograms.Signal(pid, PostgresPrograms.SigStop);
    }

    /// <summary>Lets it go on.</summary>
    public void Thaw()
    {
        foreach (int pid in Processes()) PostgresPrograms.Signal(pid, PostgresPrograms.SigCont);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Thaw();
        await KillAsync();
        Remove();
    }

    private async Task<bool> TryStartAsync()
    {
        string[] settings =
        [
            "listen_addresses=", $"unix_socket_directories={_directory}", "max_connections=200", .. _settings,
        ];
        Process process = PostgresPrograms.Serve(Data, Log, settings);
        for (long start = Stopwatch.GetTimestamp(); !process.HasExited; await Task.Delay(20))
        {
            if (IsReady())
            {
                _process = process;
                return true;
            }
            if (Stopwatch.GetElapsedTime(start) > s_patience)
                throw new InvalidOperationException("PostgreSQL is not ready: " + await File.ReadAllTextAsync(Log));
        }
        return false;
    }

    // The last line of the server's own file says so, once it is.
    private bool IsReady()
    {
        string[] lines = ReadPidFile();
        return lines.Length >= 8 && lines[7].Trim() == "ready";
    }

    private int? Postmaster() =>
        ReadPidFile() is [var first, ..]
            && int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
            ? pid
            : null;

    private string[] ReadPidFile()
    {
        try
        {
            return File.ReadAllLines(PidFile);
        }
        catch (IOException)
        {
            return [];
        }
    }

    private List<int> Processes() => Postmaster() is { } postmaster && _process is not null
        ? [postmaster, .. PostgresPrograms.ChildrenOf(postmaster)]
        : [];

    private void Remove()
    {
        List<int> all = Processes();
        foreach (int pid in all) PostgresPrograms.Signal(pid, PostgresPrograms.SigKill);
        _process = null;
        // Not for ever: the process is ending.
        SpinWait.SpinUntil(() => !all.Exists(PostgresPrograms.IsRunning), TimeSpan.FromSeconds(5));
        try
        {
            Directory.Delete(_directory, recursive: true);
        }
        catch (IOException)
        {
            // Its last process is still writing; the temporary directory is cleared some time.
        }
    }
}
