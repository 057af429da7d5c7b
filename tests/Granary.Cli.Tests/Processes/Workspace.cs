using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Granary.Cli.Tests;

/// <summary>What a finished command left behind.</summary>
internal sealed record Finished(int Code, string Output, string Error)
{
    /// <summary>The lines of standard output as JSON.</summary>
    public JsonElement[] Lines => Workspace.ParseLines(Output);

    public Finished Expect(ExitCode code)
    {
        Assert.True(Code == (int)code, $"exit code {Code} instead of {(int)code}\nstdout: {Output}\nstderr: {Error}");
        return this;
    }
}

/// <summary>A directory of its own in which the real command runs.</summary>
internal sealed class Workspace : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "granary.dll");

    // A test run that a script started in the background ignores Ctrl-C, and so would every command started here.
    static Workspace()
    {
        const int interrupt = 2, asUsual = 0, ignored = 1;
        nint before = signal(interrupt, asUsual);
        if (before != ignored) _ = signal(interrupt, before);
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("granary-cli-").FullName;

    public string PathOf(string file) => Path.Combine(Directory, file);

    public Workspace Write(string file, string text)
    {
        File.WriteAllText(PathOf(file), text);
        return this;
    }

    /// <summary>A file as it is now; waits while a child of a process that was just killed still holds it.</summary>
    public string Read(string file)
    {
        for (int tries = 0; tries < 200; tries++)
        {
            try
            {
                return ReadNow(file);
            }
            catch (IOException e) when (e is not FileNotFoundException)
            {
                Thread.Sleep(10);
            }
        }
        return ReadNow(file);
    }

    private string ReadNow(string file)
    {
        using var stream =
            new FileStream(PathOf(file), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    public JsonElement[] ReadLines(string file) => ParseLines(Read(file));

    public static JsonElement[] ParseLines(string text) =>
        text.Lines().Select(line => JsonDocument.Parse(line).RootElement).ToArray();

    /// <summary>Runs a command to its end.</summary>
    public async Task<Finished> RunAsync(params string[] args)
    {
        await using LiveCommand command = Start(args);
        command.CloseInput();
        return await command.EndAsync();
    }

    /// <summary>Runs a command with a text on standard input.</summary>
    public async Task<Finished> PipeAsync(string input, params string[] args)
    {
        await using LiveCommand command = Start(args);
        await command.WriteAsync(input);
        command.CloseInput();
        return await command.EndAsync();
    }

    /// <summary>Starts a command.</summary>
    public LiveCommand Start(params string[] args) => Launch(Dotnet, [s_program, .. args]);

    /// <summary>Starts a command in what a line of shell makes of its process.</summary>
    public LiveCommand StartAfter(string setup, params string[] args) =>
        Launch("sh", ["-c", setup + "; exec \"$0\" \"$@\"", Dotnet, s_program, .. args]);

    /// <summary>Starts a command on a terminal of its own; what it shows is standard output.</summary>
    public LiveCommand StartOnTerminal(params string[] args)
    {
        // script has a shell run it, which must not stay: some shells die of a Ctrl-C that their command survives.
        string command = "exec " + string.Join(' ', new[] { Dotnet, s_program }.Concat(args).Select(arg => $"'{arg}'"));
        return Launch("script", ["-qfec", command, "/dev/null"]);
    }

    public LiveCommand Launch(string program, string[] args)
    {
        var start = new ProcessStartInfo(program, args)
        {
            WorkingDirectory = Directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.Environment.Remove("GRANARY_DB");
        start.Environment["TERM"] = "xterm";
        start.Environment["SHELL"] = "/bin/sh";
        start.Environment["TMPDIR"] = Directory;
        return new LiveCommand(Process.Start(start)!);
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

    [DllImport("libc"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint signal(int number, nint handler);

    private static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
}
