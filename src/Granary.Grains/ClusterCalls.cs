using Granary.Engines;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>
/// Calls to grains whose silo may be gone, stopping or frozen. A call that was not answered may have been carried out:
/// those that do no harm twice are made again, others are not.
/// </summary>
/// <param name="stopping">Fires when the silo of this process stops: then nothing is asked any more.</param>
/// <param name="time">What patience is measured by. Default: the system's.</param>
internal sealed class ClusterCalls(CancellationToken stopping, TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>How long a call is made again: 45 seconds, in which a dead silo is noticed and left.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);

    /// <summary>
    /// How long an answer may take, beyond the time that the call asks for itself, until the call is made again: 10
    /// seconds. Nobody tells a client that the silo has died which its call was passed on to.
    /// </summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);

    /// <summary>How long silos that are stopping are asked again: 5 seconds; there may be no others.</summary>
    private static readonly TimeSpan StoppingPatience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LastPause = TimeSpan.FromSeconds(1);

    /// <summary>One that does no harm twice.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <param name="takes">The time that it asks for itself.</param>
    public async Task<T> RepeatAsync<T>(
        Func<Task<T>> call, CancellationToken cancellation, TimeSpan takes = default)
    {
        long start = _time.GetTimestamp();
        for (TimeSpan pause = FirstPause; ; pause = pause * 2 < LastPause ? pause * 2 : LastPause)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return await AskAsync(call, takes + AnswerTime, cancellation);
            }
            catch (Exception e) when (HasStopped(e, cancellation))
            {
                throw Stopped();
            }
            catch (Exception e) when (MayRepeat(e, _time.GetElapsedTime(start)))
            {
                await Task.Delay(pause, _time, cancellation);
            }
            catch (Exception e) when (IsGone(e))
            {
                throw Unreachable(e);
            }
        }
    }

    /// <summary>The same for one without an answer.</summary>
    public Task RepeatAsync(Func<Task> call, CancellationToken cancellation) => RepeatAsync(
        async () =>
        {
            await call();
            return true;
        },
        cancellation);

    /// <summary>One that would do harm twice: made again only where it is known that it was not carried out.</summary>
    public async Task<T> OnceAsync<T>(Func<Task<T>> call, CancellationToken cancellation)
    {
        long start = _time.GetTimestamp();
        for (TimeSpan pause = FirstPause; ; pause = pause * 2 < LastPause ? pause * 2 : LastPause)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return await AskAsync(call, Timeout.InfiniteTimeSpan, CancellationToken.None);
            }
            catch (Exception e) when (HasStopped(e, cancellation))
            {
                throw Stopped();
            }
            catch (Exception e) when (WasNotDone(e) && MayRepeat(e, _time.GetElapsedTime(start)))
            {
                await Task.Delay(pause, _time, cancellation);
            }
            catch (Exception e) when (IsGone(e))
            {
                throw new StoreException(
                    StoreFault.Unknown,
                    $"The cluster did not answer; it is unknown whether the request was carried out: {e.Message}", e);
            }
        }
    }

    private async Task<T> AskAsync<T>(Func<Task<T>> call, TimeSpan answerTime, CancellationToken cancellation)
    {
        stopping.ThrowIfCancellationRequested();
        Task<T> called = call();
        if (stopping.CanBeCanceled) called = called.WaitAsync(stopping);
        return await called.WaitAsync(answerTime, _time, cancellation);
    }

    // This process's silo or client has been stopped, which it says in several ways.
    private bool HasStopped(Exception e, CancellationToken cancellation) =>
        stopping.IsCancellationRequested
        || (e is OperationCanceledException or ObjectDisposedException && !cancellation.IsCancellationRequested);

    public static RefusedException Stopped() =>
        new(Refusal.Stopping, "The cluster's silo or client in this process has stopped.");

    private static bool MayRepeat(Exception e, TimeSpan elapsed) => e switch
    {
        RefusedException { Refusal: Refusal.Stopping } => elapsed < StoppingPatience,
        StoreException { Fault: StoreFault.Owned or StoreFault.Unknown or StoreFault.Unavailable } =>
            elapsed < Patience,
        _ => IsGone(e) && elapsed < Patience,
    };

    // Refused before it began. A death of the activation under way may have come after the write.
    private static bool WasNotDone(Exception e) =>
        e is RefusedException or OrleansMessageRejectionException and not SiloUnavailableException;

    // What Orleans says when a silo, or the way to it, is gone.
    private static bool IsGone(Exception e) =>
        e is TimeoutException or OrleansException or SiloUnavailableException;

    private static StoreException Unreachable(Exception e) => new(
        StoreFault.Unavailable, $"The cluster did not answer for {Patience.TotalSeconds:N0} s: {e.Message}", e);
}
