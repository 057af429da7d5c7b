using System.Buffers;

namespace Granary;

/// <summary>Its value is its arguments, byte for byte; JSON null when there are none.</summary>
internal sealed class EchoHandler : TaskHandler
{
    public override ValueTask InvokeAsync(TaskContext task, IBufferWriter<byte> result)
    {
        result.Write(task.Args.IsEmpty ? "null"u8 : task.Args.Span);
        return ValueTask.CompletedTask;
    }
}
