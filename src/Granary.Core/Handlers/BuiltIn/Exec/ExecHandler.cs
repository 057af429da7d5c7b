using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Granary;

/// <summary>
/// Runs a program, without a shell, and waits until it has exited and closed its output. A non-zero exit code is a
/// failure that carries the same object as a success: exitCode, stdout, stderr. Canceling ends the whole process
/// tree.
/// </summary>
internal sealed class ExecHandler(int maxOutputBytes) : TaskHandler
{
    private static readonly TimeSpan s_reapTime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromMilliseconds(20);

    public override async ValueTask InvokeAsync(TaskContext task, IBufferWriter<byte> result)
    {
        ExecArgs args = Check(task, BuiltInJson.Read(task, BuiltInJson.Default.ExecArgs));
        task.CancellationToken.ThrowIfCancellationRequested();
        var output = new CapturedOutput(maxOutputBytes);
        var errors = new CapturedOutput(maxOutputBytes);
        using ChildProcess child = ChildProcess.Create(new ProcessSpec(args, Environment(task, args)), output, errors);
        int code = await RunAsync(child, task);
        if (code == 0) Write(result, code, output, errors);
        else throw Failure(args.Argv[0], code, output, errors);
    }

    private static ExecArgs Check(TaskContext task, ExecArgs args)
    {
        if (args.Argv.Length == 0 || string.IsNullOrEmpty(args.Argv[0]))
            throw BuiltInJson.BadArguments(task, "'argv' must name a program.");
        if (args.Argv.Any(a => a is null || a.Contains('\0')))
            throw BuiltInJson.BadArguments(
                task, "'argv' holds a null or a NUL character, which no program can be given.");
        if (args.Env?.Any(
            v => v.Key.Length == 0 || v.Key.AsSpan().ContainsAny('=', '\0') || v.Value?.Contains('\0') == true) == true)
            throw BuiltInJson.BadArguments(task, "'env' holds an empty name, a name with '=', or a NUL character.");
        if (args.Cwd is not null && !Directory.Exists(args.Cwd))
            throw new TaskFailedException($"There is no directory '{args.Cwd}' to run '{args.Argv[0]}' in.")
            {
                Type = "NotFound",
                Retryable = false,
            };
        return args;
    }

    /// <summary>
    /// The engine's own variables, what the task adds or takes away, and the task's idempotency key and attempt.
    /// </summary>
    private static Dictionary<string, string> Environment(TaskContext task, ExecArgs args)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
            all[(string)entry.Key] = (string?)entry.Value ?? "";
        all["GRANARY_TASK_KEY"] = task.IdempotencyKey;
        all["GRANARY_ATTEMPT"] = task.Attempt.ToString(CultureInfo.InvariantCulture);
        foreach ((string name, string? value) in args.Env ?? [])
        {
            if (value is null) all.Remove(name);
            else all[name] = value;
        }
        return all;
    }

    private static async Task<int> RunAsync(ChildProcess child, TaskContext task)
    {
        Task<int> exit = child.RunAsync();
        try
        {
            return await exit.WaitAsync(task.CancellationToken);
        }
        catch (OperationCanceledException) when (task.CancellationToken.IsCancellationRequested)
        {
            if (exit.IsCompleted) return await exit;
            await EndAsync(child, exit, task.CancelGrace / 2);
            throw;
        }
    }

    /// <summary>Asks the whole tree to stop, gives it half of the grace, and then ends what is left of it.</summary>
    private static async Task EndAsync(ChildProcess child, Task exit, TimeSpan patience)
    {
        long asked = TimeProvider.System.GetTimestamp();
        child.Terminate();
        while ((!exit.IsCompleted || child.IsTreeAlive()) && TimeProvider.System.GetElapsedTime(asked) < patience)
            await Task.WhenAny(exit, Task.Delay(s_lookAgain, CancellationToken.None));

        long killed = TimeProvider.System.GetTimestamp();
        while (child.KillTree() && TimeProvider.System.GetElapsedTime(killed) < s_reapTime)
            await Task.Delay(s_lookAgain, CancellationToken.None);
        await Task.WhenAny(exit, Task.Delay(s_reapTime, CancellationToken.None));
    }

    private static TaskFailedException Failure(string program, int code, CapturedOutput output, CapturedOutput errors)
    {
        var data = new ArrayBufferWriter<byte>();
        Write(data, code, output, errors);
        string last = errors.LastLine();
        string message = $"'{program}' exited with code {code}{(last.Length == 0 ? "." : ": " + last)}";
        return new TaskFailedException(message) { Type = "ExitCode", Data = data.WrittenMemory };
    }

    private static void Write(IBufferWriter<byte> to, int code, CapturedOutput output, CapturedOutput errors)
    {
        using var json = new Utf8JsonWriter(to, BuiltInJson.Writing);
        json.WriteStartObject();
        json.WriteNumber("exitCode"u8, code);
        output.WriteTo(json, "stdout"u8);
        errors.WriteTo(json, "stderr"u8);
        json.WriteEndObject();
    }
}
