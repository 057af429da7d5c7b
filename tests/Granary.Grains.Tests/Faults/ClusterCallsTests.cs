using Granary.Conformance;
using Xunit;

namespace Granary.Grains.Tests.Faults;

public sealed class ClusterCallsTests
{
    private readonly ManualTime _time = new();
    private int _calls;

    [Fact]
    public async Task A_call_that_nobody_answers_is_made_again()
    {
        var calls = new ClusterCalls(CancellationToken.None, _time);
        Task<int> answer = calls.RepeatAsync(AnswerTheSecondAsync, CancellationToken.None);
        Assert.Equal(1, _calls);

        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(1, _calls);
        // The answer's time, and the pause before the next call.
        await Until(() => answer.IsCompleted, TimeSpan.FromSeconds(1));

        Assert.Equal(2, await answer);
    }

    [Fact]
    public async Task A_call_that_would_do_harm_twice_is_not()
    {
        var calls = new ClusterCalls(CancellationToken.None, _time);
        _ = calls.OnceAsync(AnswerTheSecondAsync, CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(100));
        await Task.Yield();
        Assert.Equal(1, _calls);
    }

    private Task<int> AnswerTheSecondAsync() =>
        ++_calls == 1 ? new TaskCompletionSource<int>().Task : Task.FromResult(_calls);

    private async Task Until(Func<bool> isSo, TimeSpan step)
    {
        while (!isSo())
        {
            _time.Advance(step);
            await Task.Delay(1);
        }
    }
}
