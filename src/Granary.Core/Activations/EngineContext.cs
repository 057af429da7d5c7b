using System.Collections.Concurrent;
using System.Text;
using Granary.Stores;
using Granary.Telemetry;
using Microsoft.Extensions.Logging;

namespace Granary.Activations;

/// <summary>What every part of one running engine shares.</summary>
internal sealed class EngineContext
{
    /// <summary>The value of a handler that wrote nothing.</summary>
    public static readonly ReadOnlyMemory<byte> Null = "null"u8.ToArray();

    private readonly ConcurrentDictionary<string, ILogger> _loggers = new(StringComparer.Ordinal);

    public EngineContext(IJobStore store, HandlerRegistry handlers, EngineSettings options, IEngineThreads threads)
    {
        (Store, Handlers, Options, Threads) = (store, handlers, options, threads);
        Log = options.Logging.CreateLogger("Granary.Engine");
        Place = $"{Environment.MachineName}:{Environment.ProcessId}";
    }

    public IJobStore Store { get; }
    public HandlerRegistry Handlers { get; }
    public EngineSettings Options { get; }
    public IEngineThreads Threads { get; }
    public ILogger Log { get; }

    /// <summary>The unfinished jobs here.</summary>
    public LiveJobs Live { get; } = new();

    /// <summary>Where attempts run, as outcomes say it.</summary>
    public string Place { get; }

    /// <summary>Makes the attempts of an activation; they run in this process unless another engine says
    /// otherwise.</summary>
    public Func<Activation, IAttemptSet> NewAttempts
    {
        get => field ?? (activation => new AttemptSet(activation, this));
        init;
    }

    /// <summary>
    /// How long a job with work to do is left alone by others after its holder's last sign of life; null where nobody
    /// else could take it over.
    /// </summary>
    public TimeSpan? Hold { get; init; }

    /// <summary>Nothing new starts anywhere: the engine drains or only takes commands.</summary>
    public bool IsHeld { get; set; }

    public Instant Now => Instant.From(Options.Time.GetUtcNow());

    public ILogger LoggerOf(string handler) =>
        _loggers.GetOrAdd(
            handler, static (name, logging) => logging.CreateLogger($"Granary.Tasks.{name}"), Options.Logging);
}
