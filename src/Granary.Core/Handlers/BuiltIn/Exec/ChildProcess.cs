namespace Granary;

/// <summary>What to run.</summary>
internal sealed record ProcessSpec(ExecArgs Args, IReadOnlyDictionary<string, string> Environment);

/// <summary>A program that was started, and the tree of processes below it.</summary>
internal abstract class ChildProcess : IDisposable
{
    public static ChildProcess Create(ProcessSpec spec, CapturedOutput output, CapturedOutput errors) =>
        OperatingSystem.IsWindows()
            ? new PortableProcess(spec, output, errors)
            : new PosixProcess(spec, output, errors);

    /// <summary>
    /// Starts it and ends with its exit code, once it has exited and its output is closed. Called once.
    /// </summary>
    /// <exception cref="TaskFailedException">It cannot be started.</exception>
    public abstract Task<int> RunAsync();

    /// <summary>Asks the tree to stop.</summary>
    public abstract void Terminate();

    /// <summary>Whether anything of the tree is still running.</summary>
    public abstract bool IsTreeAlive();

    /// <summary>Ends all of the tree at once; false when nothing of it was running.</summary>
    public abstract bool KillTree();

    /// <summary>Gives up whatever the operating system still keeps of it. Ends nothing that runs.</summary>
    public abstract void Dispose();

    protected static TaskFailedException NotFound(string program) =>
        new($"There is no program '{program}'. Name one that is in PATH, or give its path.")
        {
            Type = "NotFound",
            Retryable = false,
        };

    protected static TaskFailedException NotStarted(string program, string why, bool retryable) =>
        new($"'{program}' could not be started: {why}.") { Type = "NotStarted", Retryable = retryable };
}
