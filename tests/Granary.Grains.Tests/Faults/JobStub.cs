namespace Granary.Grains.Tests.Faults;

/// <summary>A job that takes heartbeats, and reports that never become durable.</summary>
internal sealed class JobStub : IJobGrain
{
    public Task<StopOrder[]> Answer { get; init; } = Task.FromResult(Array.Empty<StopOrder>());

    public List<Heartbeat> Beats { get; } = [];

    public TaskCompletionSource Reported { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<StopOrder[]> HeartbeatAsync(Heartbeat heartbeat)
    {
        Beats.Add(heartbeat);
        return Answer;
    }

    public Task ReportAsync(AttemptReport[] reports)
    {
        Reported.TrySetResult();
        return new TaskCompletionSource().Task;
    }

    public Task<SubmitAnswer> SubmitAsync(SubmitChunk chunk) => throw new NotSupportedException();

    public Task CompareAsync(SubmitChunk chunk) => throw new NotSupportedException();

    public Task DiscardAsync() => throw new NotSupportedException();

    public Task PauseAsync(bool paused) => throw new NotSupportedException();

    public Task<int> RetryFailedAsync() => throw new NotSupportedException();

    public Task ExpireAsync() => throw new NotSupportedException();

    public Task CancelAsync(byte scope) => throw new NotSupportedException();

    public Task<StatusWire> GetStatusAsync() => throw new NotSupportedException();

    public Task<CompletionsWire> ReadCompletionsAsync(int after, int max, TimeSpan patience) =>
        throw new NotSupportedException();

    public Task<OutcomeWire?[]> ReadOutcomesAsync(int from, int max) => throw new NotSupportedException();

    public Task<PendingWire[]> ListPendingAsync(int after, int max) => throw new NotSupportedException();

    public Task<SpanWire[]> ReadTimelineAsync(int skip, int max) => throw new NotSupportedException();

    public Task WakeAsync() => throw new NotSupportedException();
}
