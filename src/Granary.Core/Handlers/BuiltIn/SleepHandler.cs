using System.Buffers;

namespace Granary;

/// <summary>
/// Waits, holding its slot, and gives JSON null. For a wait that holds none, a chain has durable waits.
/// </summary>
internal sealed class SleepHandler(TimeProvider time) : TaskHandler
{
    public override async ValueTask InvokeAsync(TaskContext task, IBufferWriter<byte> result)
    {
        SleepArgs args = BuiltInJson.Read(task, BuiltInJson.Default.SleepArgs);
        if (!DurationText.TryParse(args.Duration, out TimeSpan duration))
            throw BuiltInJson.BadArguments(task, $"'duration' is '{args.Duration}'. {DurationText.Grammar}");
        await DelayAsync(duration, task.CancellationToken);
        result.Write("null"u8);
    }

    private async Task DelayAsync(TimeSpan duration, CancellationToken stop)
    {
        // One timer covers 49 days; longer sleeps are several.
        TimeSpan most = TimeSpan.FromDays(40);
        for (; duration > most; duration -= most) await Task.Delay(most, time, stop);
        await Task.Delay(duration, time, stop);
    }
}
