using System.Threading.Channels;

namespace Granary.Embedded.Tests.Stores;

/// <summary>A clock whose timers fire when the test says so.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Channel<ManualTimer> _timers = Channel.CreateUnbounded<ManualTimer>();

    /// <summary>The next timer that anybody has set.</summary>
    public Task<ManualTimer> NextTimer() => _timers.Reader.ReadAsync().AsTask();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(() => callback(state), dueTime);
        _timers.Writer.TryWrite(timer);
        return timer;
    }
}

/// <summary>A timer of <see cref="ManualTime"/>.</summary>
internal sealed class ManualTimer(Action callback, TimeSpan dueTime) : ITimer
{
    public TimeSpan DueTime { get; } = dueTime;

    public void Fire() => callback();

    public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
