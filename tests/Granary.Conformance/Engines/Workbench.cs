using System.Text.Json;
using System.Threading.Channels;

namespace Granary.Conformance.Engines;

/// <summary>The handler <c>work</c>: every attempt reports to the test when it starts, and ends as the test
/// says.</summary>
public sealed class Workbench
{
    private Channel<Attempt> _started = Channel.CreateUnbounded<Attempt>();

    /// <summary>Attempts that started, and that no test has looked at.</summary>
    public int Unseen => _started.Reader.Count;

    /// <summary>
    /// The handler for the next engine. What an engine before it starts late, going down, stays unseen.
    /// </summary>
    public Func<JsonElement, TaskContext, Task<object?>> NewHandler()
    {
        Channel<Attempt> started = _started = Channel.CreateUnbounded<Attempt>();
        return (args, task) =>
        {
            var attempt = new Attempt(args, task);
            started.Writer.TryWrite(attempt);
            return attempt.End;
        };
    }

    /// <summary>The next attempt, once it has started.</summary>
    public Task<Attempt> NextAsync() => _started.Reader.ReadAsync().AsTask().Soon();

    /// <summary>The next attempt, which must be of the task that was given this name.</summary>
    public async Task<Attempt> NextAsync(string name)
    {
        Attempt attempt = await NextAsync();
        Assert.Equal(name, attempt.Name);
        return attempt;
    }

    /// <summary>The next attempts, in the order of their names: those that start together are seen in any
    /// order.</summary>
    public async Task<Attempt[]> NextAsync(int count)
    {
        var attempts = new Attempt[count];
        for (int i = 0; i < count; i++) attempts[i] = await NextAsync();
        return [.. attempts.OrderBy(attempt => attempt.Name, StringComparer.Ordinal)];
    }

}

/// <summary>One attempt in the test's hands.</summary>
public sealed class Attempt
{
    private readonly TaskCompletionSource<object?> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _signaled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Attempt(JsonElement args, TaskContext task)
    {
        Name = args.ValueKind == JsonValueKind.String ? args.GetString()! : "";
        Args = args.ValueKind == JsonValueKind.Undefined ? "" : args.GetRawText();
        Task = task;
        task.CancellationToken.Register(_signaled.SetResult);
    }

    /// <summary>The arguments where they are text.</summary>
    public string Name { get; }

    /// <summary>The arguments as JSON.</summary>
    public string Args { get; }

    public TaskContext Task { get; }

    /// <summary>Completes when the attempt is asked to stop.</summary>
    public System.Threading.Tasks.Task SignaledAsync() => _signaled.Task.Soon();

    public bool IsSignaled => Task.CancellationToken.IsCancellationRequested;

    internal System.Threading.Tasks.Task<object?> End => _end.Task;

    public void Return(object? value = null) => _end.TrySetResult(value);

    public void Throw(Exception exception) => _end.TrySetException(exception);

    public void Fail(string message = "Something happened") => Throw(new InvalidOperationException(message));

    /// <summary>Stops as a well-behaved handler does that was signaled.</summary>
    public void Stop() => Throw(new OperationCanceledException(Task.CancellationToken));
}
