using System.Buffers;
using System.Buffers.Text;

namespace Granary.Simulation.Worlds;

/// <summary>How a handler means to end.</summary>
internal enum Ending : byte
{
    Return = 1,
    Throw = 2,
    ThrowForGood = 3,
    ThrowForLater = 4,
    ReturnTooMuch = 5,
    Stop = 6,
}

/// <summary>When a handler can end.</summary>
internal enum Temper : byte
{
    /// <summary>Before the call returns.</summary>
    AtOnce = 1,

    /// <summary>Some time.</summary>
    Normal = 2,

    /// <summary>Hangs until it is signaled.</summary>
    Waiting = 3,

    /// <summary>Hangs, and takes no notice of signals.</summary>
    Deaf = 4,
}

/// <summary>One call of a handler, as the handler sees it.</summary>
internal sealed class Execution(SimProcess process, TaskContext task, int id, int label, Temper temper, Ending ending)
{
    private readonly TaskCompletionSource? _gate =
        temper == Temper.AtOnce ? null : new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool _isReleased;

    public int Id => id;
    public int Label => label;
    public JobId Job { get; } = task.Job;
    public int Node { get; } = task.Node;
    public int Attempt { get; } = task.Attempt;
    public byte[] Input { get; } = task.InputJson.ToArray();
    public SimProcess Process => process;
    public Temper Temper => temper;
    public bool IsSignaled => task.CancellationToken.IsCancellationRequested;

    /// <summary>How it ended, or would.</summary>
    public Ending Ending { get; private set; } = ending;

    /// <summary>It has come back; or else its process died with it, or it still runs.</summary>
    public bool HasEnded { get; private set; }

    public bool HasDied { get; private set; }

    public Task Gate => _gate!.Task;

    public bool CanEnd(bool healing) => !_isReleased && temper switch
    {
        Temper.Waiting => IsSignaled || healing,
        Temper.Deaf => healing,
        _ => true,
    };

    /// <summary>Lets it come back.</summary>
    public void Release(SimRandom random)
    {
        if (IsSignaled && temper != Temper.Deaf && random.Chance(70)) Ending = Ending.Stop;
        _isReleased = true;
        _gate!.TrySetResult();
    }

    public void Die() => HasDied = true;

    public override string ToString() => $"node {Node}, attempt {Attempt}, as x{id} ({temper}, {Ending})";

    /// <summary>On the way back to the engine: returns, or throws.</summary>
    public void End(IBufferWriter<byte> result)
    {
        HasEnded = true;
        process.Executions.Remove(this);
        switch (Ending)
        {
            case Ending.Return:
                WriteValue(result, label, id);
                break;
            case Ending.ReturnTooMuch:
                result.GetSpan(300)[..300].Fill((byte)'1');
                result.Advance(300);
                break;
            case Ending.ThrowForGood:
                throw new TaskFailedException($"x{id}", new SimFailure("")) { Retryable = false };
            case Ending.ThrowForLater:
                throw new TaskFailedException($"x{id}",
                    new SimFailure("")) { RetryAfter = TimeSpan.FromSeconds(id % 5) };
            case Ending.Stop:
                throw new OperationCanceledException($"x{id}");
            case Ending.Throw:
                throw new SimFailure($"x{id}");
        }
    }

    /// <summary>The label of the task and the number of the execution: no two executions return the same.</summary>
    public static void WriteValue(IBufferWriter<byte> result, int label, int id)
    {
        Span<byte> text = result.GetSpan(32);
        text[0] = (byte)'[';
        Utf8Formatter.TryFormat(label, text[1..], out int first);
        text[1 + first] = (byte)',';
        Utf8Formatter.TryFormat(id, text[(2 + first)..], out int second);
        text[2 + first + second] = (byte)']';
        result.Advance(3 + first + second);
    }
}

/// <summary>What handlers throw. Without a stack trace: making its text would take most of a history's time.</summary>
internal sealed class SimFailure(string message) : Exception(message)
{
    public override string? StackTrace => null;

    public override string ToString() => Message;
}

/// <summary>The handler of every task.</summary>
internal sealed class SimHandler(World world) : TaskHandler
{
    public override ValueTask InvokeAsync(TaskContext task, IBufferWriter<byte> result)
    {
        Execution execution = world.Begin(task);
        if (execution.Temper != Temper.AtOnce) return RunAsync(execution, result);
        execution.End(result);
        return ValueTask.CompletedTask;
    }

    private static async ValueTask RunAsync(Execution execution, IBufferWriter<byte> result)
    {
        await execution.Gate;
        execution.End(result);
    }
}
