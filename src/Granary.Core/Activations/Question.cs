namespace Granary.Activations;

/// <summary>
/// Something asked of an activation: put in a turn, answered when what the answer rests on is durable.
/// </summary>
internal abstract class Question
{
    /// <summary>In a turn.</summary>
    public abstract void Ask(Activation activation, Instant now);

    /// <summary>The answer rests on durable state now, or the activation has died.</summary>
    public abstract void Answer();

    /// <summary>It was never put.</summary>
    public abstract void Refuse(Exception why);
}

/// <inheritdoc/>
internal sealed class Question<T>(Func<Activation, Instant, T> question) : Question
{
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Activation _asked = null!;
    private Exception? _refused;
    private T _value = default!;

    public Task<T> Task => _answer.Task;

    public override void Ask(Activation activation, Instant now)
    {
        _asked = activation;
        try
        {
            _value = question(activation, now);
        }
        catch (Exception e)
        {
            // A refusal, or damage found while answering: it is the asker's, not the job's.
            _refused = e;
        }
    }

    public override void Answer()
    {
        if (_asked.IsDead) _answer.TrySetException(_asked.Death());
        else if (_refused is not null) _answer.TrySetException(_refused);
        else _answer.TrySetResult(_value);
    }

    public override void Refuse(Exception why) => _answer.TrySetException(why);
}
