using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Granary.Conformance.Stores;

/// <summary>PostgreSQL's own programs, found on this machine and run as somebody they accept: they refuse to run as
/// root.</summary>
internal static class PostgresPrograms
{
    public const int SigInt = 2;
    public const int SigKill = 9;
    public static readonly int SigStop = OperatingSystem.IsMacOS() ? 17 : 19;
    public static readonly int SigCont = OperatingSystem.IsMacOS() ? 19 : 18;

    /// <summary>Where they are; null where they are not.</summary>
    public static string? Directory { get; } = Places().FirstOrDefault(
        place => IsThere(Path.Combine(place, "postgres")) && IsThere(Path.Combine(place, "initdb")));

    // Who runs them where the tests run as root.
    private static string? User { get; } =
        Environment.IsPrivilegedProcess ? HasUser("postgres") ? "postgres" : "nobody" : null;

    /// <summary>Makes a directory the property of who runs the server.</summary>
    public static Task GiveAsync(string directory) =>
        User is null ? Task.CompletedTask : RunPlainAsync("chown", User, directory);

    /// <summary>Runs a program to its end.</summary>
    public static Task RunAsync(string program, params string[] args)
    {
        string[] words = [.. AsUser(), Path.Combine(Directory!, program), .. args];
        return RunPlainAsync(words[0], words[1..]);
    }

    /// <summary>Starts the server. It is killed when this process ends, however it ends.</summary>
    public static Process Serve(string data, string log, string[] settings)
    {
        string[] words =
        [
            .. AsUser("--pdeathsig", "KILL"), Path.Combine(Directory!, "postgres"), "-D", data,
            .. settings.SelectMany(setting => new[] { "-c", setting }),
        ];
        var started = new TaskCompletionSource<Process>();
        // The kernel ties the server to the thread that starts it: one that lives as long.
        var thread = new Thread(() => Keep(started, words, log)) { IsBackground = true, Name = "PostgreSQL" };
        thread.Start();
        return started.Task.GetAwaiter().GetResult();
    }

    /// <summary>The processes that a process has started.</summary>
    public static IEnumerable<int> ChildrenOf(int parent)
    {
        foreach (string place in System.IO.Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(place), CultureInfo.InvariantCulture, out int pid)) continue;
            if (ParentOf(place) == parent) yield return pid;
        }
    }

    /// <summary>Whether a process has not ended.</summary>
    public static bool IsRunning(int pid) => Kill(pid, 0) == 0 && State(pid) is not (null or 'Z');

    /// <summary>Removes the directories of processes that are gone: <c>PREFIXpid-…</c>.</summary>
    public static void ClearAway(string prefix)
    {
        foreach (string place in System.IO.Directory.EnumerateDirectories(Path.GetTempPath(), prefix + "*"))
        {
            string pid = Path.GetFileName(place)[prefix.Length..].Split('-')[0];
            if (!int.TryParse(pid, CultureInfo.InvariantCulture, out int owner) || IsRunning(owner)) continue;
            try
            {
                System.IO.Directory.Delete(place, recursive: true);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Another test process does the same, or another user's did.
            }
        }
    }

    /// <summary>Sends a signal; to one that has ended it does nothing.</summary>
    public static void Signal(int pid, int signal) => _ = Kill(pid, signal);

    private static void Keep(TaskCompletionSource<Process> started, string[] words, string log)
    {
        try
        {
            ProcessStartInfo start = Start(words);
            Process process = Process.Start(start)!;
            using StreamWriter file = File.AppendText(log);
            file.AutoFlush = true;
            started.SetResult(process);
            while (process.StandardError.ReadLine() is { } line) file.WriteLine(line);
            process.WaitForExit();
        }
        catch (Exception error) when (!started.Task.IsCompleted)
        {
            started.SetException(error);
        }
    }

    private static int? ParentOf(string place) =>
        Fields(place) is [_, var parent, ..] ? int.Parse(parent, CultureInfo.InvariantCulture) : null;

    private static char? State(int pid) =>
        Fields(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}")) is [var state, ..] ? state[0] : null;

    // What follows the name in parentheses, which may itself hold anything.
    private static string[] Fields(string place)
    {
        try
        {
            string stat = File.ReadAllText(Path.Combine(place, "stat"));
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string[] AsUser(params string[] options)
    {
        if (User is null) return options.Length == 0 || !HasProgram("setpriv") ? [] : ["setpriv", .. options];
        return HasProgram("setpriv")
            ? ["setpriv", $"--reuid={User}", $"--regid={Group(User)}", "--clear-groups", .. options]
            : ["runuser", "-u", User, "--"];
    }

    private static async Task RunPlainAsync(string program, params string[] args)
    {
        ProcessStartInfo start = Start([program, .. args]);
        start.RedirectStandardOutput = true;
        using Process process = Process.Start(start)!;
        Task output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        await output;
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await errors}");
    }

    private static ProcessStartInfo Start(string[] words)
    {
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        // Messages in one language, and a home that its user may enter.
        start.Environment["LC_ALL"] = "C";
        start.Environment["HOME"] = Path.GetTempPath();
        return start;
    }

    private static IEnumerable<string> Places()
    {
        const string Debian = "/usr/lib/postgresql";
        IEnumerable<string> path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        IEnumerable<string> versions = System.IO.Directory.Exists(Debian)
            ? System.IO.Directory.GetDirectories(Debian).OrderByDescending(Version).Select(v => Path.Combine(v, "bin"))
            : [];
        return versions.Concat(path.Where(place => place.Length > 0));
    }

    // A link to a program that was removed counts as a file.
    private static bool IsThere(string program) =>
        File.Exists(program) && (File.ResolveLinkTarget(program, returnFinalTarget: true)?.Exists ?? true);

    private static int Version(string directory) =>
        int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out int version) ? version : 0;

    private static bool HasProgram(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator).Any(place => File.Exists(Path.Combine(place, name)));

    private static bool HasUser(string name) => Entry(name) is not null;

    private static string Group(string user) => Entry(user)?.Split(':')[3] ?? user;

    private static string? Entry(string user) => File.Exists("/etc/passwd")
        ? File.ReadLines("/etc/passwd").FirstOrDefault(line => line.StartsWith(user + ":", StringComparison.Ordinal))
        : null;

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int pid, int signal);
}
