using System.Text.Json;

namespace Granary;

/// <summary>
/// How one item of a batch, or one step of a chain, ended: Succeeded with a value, Failed with an error, or Canceled.
/// A failure is a value here and is not thrown (asyncio: <c>gather(return_exceptions=True)</c>).
/// </summary>
/// <typeparam name="T">What the handler returns. For an item that is a chain, the last step's result; for one that is a
/// batch, its ordered outcomes.</typeparam>
public sealed class TaskOutcome<T>
{
    private readonly Outcome _outcome;
    private T? _value;
    private volatile bool _read;

    /// <summary>Puts a type over an engine's outcome.</summary>
    public TaskOutcome(Outcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        _outcome = outcome;
    }

    /// <summary>The item's position in its batch or chain, from 0.</summary>
    public int Index => _outcome.Index;

    /// <summary>The number of this completion in the job's log, from 1: the cursor to go on from in
    /// <see cref="BatchHandle{T}.WhenEachAsync"/>. 0 for the outcome of a whole chain.</summary>
    public int Sequence => _outcome.Sequence;

    /// <summary>Succeeded, Failed or Canceled.</summary>
    public JobState State => _outcome.State;

    /// <summary>What the state does not say, such as <see cref="Reason.TimedOut"/>.</summary>
    public Reason Reason => _outcome.Reason;

    /// <summary>Whether there is a value.</summary>
    public bool Succeeded => State == JobState.Succeeded;

    /// <summary>The error; null unless it failed.</summary>
    public TaskError? Error => _outcome.Error;

    /// <summary>Attempts started, over all retries; for a chain or batch, 1.</summary>
    public int Attempts => _outcome.Attempts;

    /// <summary>When the last attempt started; for what never started, when it ended.</summary>
    public DateTimeOffset StartedAt => _outcome.StartedAt;

    /// <summary>How long the last attempt took.</summary>
    public TimeSpan Duration => _outcome.Duration;

    /// <summary>Where it ran: machine and process; empty for what did not run.</summary>
    public string Place => _outcome.Place;

    /// <summary>The value as UTF-8 JSON, as the handler wrote it; empty unless it succeeded.</summary>
    public ReadOnlyMemory<byte> Json => _outcome.Value;

    /// <summary>The value, read from JSON when it is first asked for.</summary>
    /// <exception cref="InvalidOperationException">It did not succeed, or its value is no
    /// <typeparamref name="T"/>.</exception>
    public T Value
    {
        get
        {
            if (_read) return _value!;
            _value = Read();
            _read = true;
            return _value!;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => FailedItem.Of(this).ToString();

    private T? Read()
    {
        if (!Succeeded)
            throw new InvalidOperationException($"There is no value: {this}. Look at {nameof(Succeeded)} first.");
        try
        {
            return JsonSerializer.Deserialize<T>(Json.Span, GranaryJson.Options);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidOperationException(
                $"The value of item {Index} is no {typeof(T)}: {e.Message} "
                + $"Ask for the type that the handler returns, or read {nameof(Json)}.", e);
        }
    }
}
