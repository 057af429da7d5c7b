using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Granary;

/// <summary>A context to call a handler with in a test, without an engine.</summary>
/// <param name="handler">The handler's name.</param>
/// <param name="args">The task's arguments as UTF-8 JSON.</param>
/// <param name="input">The previous step's result as UTF-8 JSON. Default: none.</param>
/// <param name="index">The task's position in its batch, from 0; its node is the one after.</param>
/// <param name="attempt">Which attempt it is, from 1.</param>
/// <param name="cancelGrace">Default <see cref="JobDefaults.CancelGrace"/>.</param>
/// <param name="logger">Default: one that writes nothing.</param>
/// <param name="services">The services of the attempt's scope. Default: none.</param>
/// <param name="cancellation">Fires when the attempt should stop.</param>
public sealed class TestTaskContext(
    string handler, ReadOnlyMemory<byte> args, ReadOnlyMemory<byte> input = default, int index = 0, int attempt = 1,
    TimeSpan? cancelGrace = null, ILogger? logger = null, IServiceProvider? services = null,
    CancellationToken cancellation = default) : TaskContext(index + 1, attempt)
{
    /// <summary>What the handler last reported.</summary>
    public TaskProgress? Progress { get; private set; }

    /// <inheritdoc/>
    public override JobId Job { get; } = new(1L << 40);

    /// <inheritdoc/>
    public override int Index => index;

    /// <inheritdoc/>
    public override string Handler => handler;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Args => args.IsEmpty ? input : args;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> InputJson => input;

    /// <inheritdoc/>
    public override TimeSpan CancelGrace { get; } = cancelGrace ?? JobDefaults.CancelGrace;

    /// <inheritdoc/>
    public override CancellationToken CancellationToken => cancellation;

    /// <inheritdoc/>
    public override ILogger Logger { get; } = logger ?? NullLogger.Instance;

    /// <inheritdoc/>
    public override IServiceProvider? Services => services;

    internal override void Report(TaskProgress progress) => Progress = progress;
}
