using Granary.Activations;
using Granary.Workers;

namespace Granary.Grains;

/// <inheritdoc cref="IWorkerGrain"/>
[GrainType("granary.worker"), ResourceOptimizedPlacement, CollectionAgeLimit(Minutes = 2)]
internal sealed class WorkerGrain(SiloEngine silo) : Grain, IWorkerGrain
{
    private RunningTask? _task;

    public ValueTask<StartAnswer> StartAsync(TaskStart start)
    {
        if (_task is { } task && task.Name == start.Attempt) return new(StartAnswer.Started);
        if (_task is { IsEnded: false }) return new(StartAnswer.Busy);
        if (silo.Runner.IsDraining)
        {
            DeactivateOnIdle();
            return new(StartAnswer.Draining);
        }
        _task = silo.Runner.Start(start, this.AsReference<IWorkerGrain>(), this.GetPrimaryKeyString());
        return new(StartAnswer.Started);
    }

    public ValueTask StopAsync(AttemptName attempt, byte cause)
    {
        if (_task is { } task && task.Name == attempt) task.Stop((StopCause)cause);
        return default;
    }

    public ValueTask KeepAliveAsync() => default;

    public ValueTask RetireAsync()
    {
        if (_task is null or { IsEnded: true }) DeactivateOnIdle();
        return default;
    }

    // A task never outlives its worker: it is asked to stop, and goes back to its job.
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_task is not { IsEnded: false } task) return;
        task.Stop(StopCause.Release);
        // A silo that stops has waited for its tasks before.
        if (silo.IsStopping) return;
        await task.Ended.WaitAsync(cancellationToken).ConfigureAwait(Patience.Quietly);
    }
}
