using Granary.Batches;

namespace Granary.Workers;

/// <summary>Why a running attempt is asked to stop.</summary>
internal enum StopCause : byte
{
    /// <summary>Somebody canceled, or a deadline passed.</summary>
    Cancel = 1,

    /// <summary>It ran longer than its timeout.</summary>
    Timeout = 2,

    /// <summary>Its engine stops in good order.</summary>
    Release = 3,
}

/// <summary>
/// The rules of one attempt on its worker: it runs, may be asked to stop, and ends once: by itself, or by being given
/// up when its grace has passed. What the handler does after that changes nothing.
/// </summary>
internal struct WorkerMachine(TaskProfile profile, Instant startedAt)
{
    private StopCause _stopping;
    private bool _ended;

    /// <summary>When the attempt must be looked at again.</summary>
    public Instant Due { get; private set; } = profile.Timeout is { } timeout ? startedAt + timeout : Instant.Never;

    /// <summary>Asks it to stop.</summary>
    /// <returns>Whether the handler is to be signaled now.</returns>
    public bool Stop(StopCause cause, Instant now)
    {
        if (_ended) return false;
        bool signal = _stopping == 0;
        // A cancel outranks a timeout that came before it: what was asked for is what is recorded.
        if (signal || cause == StopCause.Cancel) _stopping = cause;
        if (signal) Due = now + profile.CancelGrace;
        return signal;
    }

    /// <summary>Looks at the time.</summary>
    /// <param name="now">The time.</param>
    /// <param name="result">How the attempt ended, if it did now.</param>
    /// <returns>Whether the handler is to be signaled now.</returns>
    public bool Tick(Instant now, out AttemptResult? result)
    {
        result = null;
        if (_ended || now < Due) return false;
        if (_stopping == 0) return Stop(StopCause.Timeout, now);
        _ended = true;
        Due = Instant.Never;
        result = GivenUp(now);
        return false;
    }

    /// <summary>The handler returned a value, or threw.</summary>
    /// <returns>How the attempt ended; null if it had ended before.</returns>
    public AttemptResult? Finish(ReadOnlyMemory<byte> value, Exception? thrown, Instant now)
    {
        if (_ended) return null;
        _ended = true;
        Due = Instant.Never;
        if (thrown is null) return Result(AttemptEnd.Succeeded, now) with { Value = value };
        if (_stopping == StopCause.Timeout) return TimedOut(now, "");
        if (_stopping == StopCause.Release) return Result(AttemptEnd.Released, now);
        if (_stopping == StopCause.Cancel && thrown is OperationCanceledException)
            return Result(AttemptEnd.Stopped, now);
        return Failed(thrown, now);
    }

    /// <summary>There is no such handler here.</summary>
    public AttemptResult NoHandler(Instant now)
    {
        _ended = true;
        return Result(AttemptEnd.NoHandler, now) with { Error = OutcomeErrors.NoHandler(profile.Handler) };
    }

    private readonly AttemptResult GivenUp(Instant now) => _stopping switch
    {
        StopCause.Timeout => TimedOut(now, " It had not stopped when its grace had passed, and may still be running."),
        StopCause.Release => Result(AttemptEnd.Released, now),
        _ => Result(AttemptEnd.Abandoned, now),
    };

    private readonly AttemptResult TimedOut(Instant now, string more) => Result(AttemptEnd.Failed, now) with
    {
        Reason = Reason.TimedOut,
        Retryable = true,
        Error = TaskError.Of("TimedOut", $"The attempt ran longer than its timeout of {profile.Timeout}.{more}"),
    };

    private readonly AttemptResult Failed(Exception thrown, Instant now)
    {
        AttemptResult result = Result(AttemptEnd.Failed, now) with
        {
            Reason = Reason.None,
            Retryable = true,
            Error = TaskError.From(thrown),
        };
        return thrown switch
        {
            TaskFailedException e => result with { Retryable = e.Retryable, RetryAfter = e.RetryAfter },
            HandlerJsonException e => result with { Retryable = false, Reason = e.Reason },
            ResultTooLargeException => result with { Retryable = false, Reason = Reason.ResultTooLarge },
            _ => result,
        };
    }

    private readonly AttemptResult Result(AttemptEnd end, Instant now) =>
        new()
        {
            End = end,
            Duration = now > startedAt ? now - startedAt : TimeSpan.Zero,
            Place = "",
            Reason = Reason.None,
        };
}
