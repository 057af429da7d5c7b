using System.Collections.Concurrent;
using Granary.Activations;
using Granary.Engines;
using Granary.Hosting;
using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Grains;

/// <summary>
/// What the grains of one silo share: the store, the threads of the jobs that are held here, the workers that they
/// use, and the tasks that run here. Starts and stops with the silo.
/// </summary>
internal sealed class SiloEngine : ILifecycleParticipant<ISiloLifecycle>, ISiloStatusListener
{
    /// <summary>How long a job that is let go waits for its starts to arrive: 2 seconds.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(2);

    private readonly IServiceProvider _services;
    private readonly GranaryBuilder _builder;
    private readonly ISiloStatusOracle _membership;
    private readonly ConcurrentDictionary<JobId, Activation> _held = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SiloChores _chores;
    private long _heldAt;
    private IJobStore? _store;
    private EngineContext? _engine;
    private TaskRunner? _runner;

    public SiloEngine(
        IServiceProvider services, GranaryBuilder builder, ClusterOptions options, IGrainFactory grains,
        ILocalSiloDetails silo, ISiloStatusOracle membership)
    {
        (_services, _builder, Options, Grains, Silo, _membership) =
            (services, builder, options, grains, silo.SiloAddress, membership);
        Workers = new WorkerPool(grains, Silo, membership, Clock);
        _chores = new SiloChores(this, _stop.Token);
    }

    public ClusterOptions Options { get; }

    public IGrainFactory Grains { get; }

    public SiloAddress Silo { get; }

    public WorkerPool Workers { get; }

    /// <summary>The engine's own time: leases and holds pass in it, whatever clock the jobs have.</summary>
    public TimeProvider Clock { get; } = TimeProvider.System;

    public EngineContext Engine => _engine ?? throw NotStarted();

    public TaskRunner Runner => _runner ?? throw NotStarted();

    /// <summary>Jobs that this silo holds.</summary>
    public IEnumerable<Activation> Activations => _held.Values;

    /// <summary>
    /// Whether it has said in time that it holds its jobs. If not, because it was frozen or the store was away, others
    /// may hold them by now: it starts nothing until it has asked.
    /// </summary>
    public bool HoldsInTime => Clock.GetElapsedTime(Volatile.Read(ref _heldAt)) < Options.Hold;

    /// <summary>It has made sure of its holds, as of that moment.</summary>
    public void Held(long at)
    {
        bool wasInTime = HoldsInTime;
        Volatile.Write(ref _heldAt, at);
        if (wasInTime) return;
        foreach (Activation activation in _held.Values) activation.BecomeDue();
    }

    /// <summary>It takes no more, and will be gone.</summary>
    public bool IsStopping => _stop.IsCancellationRequested;

    /// <summary>Fires when it stops.</summary>
    public CancellationToken Stopping => _stop.Token;

    void ILifecycleParticipant<ISiloLifecycle>.Participate(ISiloLifecycle lifecycle)
    {
        lifecycle.Subscribe(
            "Granary store", ServiceLifecycleStage.RuntimeStorageServices, OpenAsync, _ => CloseAsync());
        lifecycle.Subscribe("Granary jobs", ServiceLifecycleStage.Active, _ => StartAsync(), DrainAsync);
    }

    public Activation Hold(JobReader reader, long epoch)
    {
        var activation = new Activation(Engine, reader, epoch);
        Hold(activation);
        return activation;
    }

    public void Hold(Activation activation) => _held[activation.Job] = activation;

    public void LetGo(Activation activation) =>
        ((ICollection<KeyValuePair<JobId, Activation>>)_held).Remove(new(activation.Job, activation));

    public bool Holds(JobId job) => _held.TryGetValue(job, out Activation? activation) && !activation.IsDead;

    /// <summary>Ends at once and writes nothing, as a killed process would. For tests.</summary>
    internal async Task CrashAsync()
    {
        await _stop.CancelAsync();
        if (_engine is null) return;
        _engine.IsHeld = true;
        foreach (Activation activation in _held.Values) activation.Die(null);
        Runner.Crash();
    }

    void ISiloStatusListener.SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        Workers.MembershipChanged();
        object? news = status switch
        {
            SiloStatus.Dead => updatedSilo,
            SiloStatus.Active => new SiloJoined(),
            _ => null,
        };
        if (news is null) return;
        foreach (Activation activation in _held.Values) activation.Post(news);
    }

    private async Task OpenAsync(CancellationToken cancellation)
    {
        _store = await (_builder.Store ?? throw new InvalidOperationException(
            "No store is set up. Choose one beside UseCluster(): UsePostgres(connectionString) of the package "
            + "Granary.Postgres, UseGrainStorage(name), or UseMemoryStore() for trying things out on one silo."))
            (_services, cancellation);
        TimeProvider time = Options.Time;
        var settings = new EngineSettings
        {
            Time = time,
            Logging = _services.GetRequiredService<ILoggerFactory>(),
            Services = _services,
            MaxArgumentBytes = Options.MaxArgumentBytes,
            MaxResultBytes = Options.MaxResultBytes,
            MissingHandlerTimeout = Options.MissingHandlerTimeout,
            Telemetry = Options.Telemetry,
        };
        _engine = new EngineContext(
            _store, _services.GetRequiredService<HandlerRegistry>(), settings,
            new ClusterThreads(_store, time, OnFault))
        {
            Hold = Options.Hold,
            NewAttempts = activation => new RemoteAttemptSet(activation, this),
        };
        _runner = new TaskRunner(_engine, Grains.GetJob, Silo, Options);
    }

    private Task StartAsync()
    {
        _heldAt = Clock.GetTimestamp();
        _membership.SubscribeToSiloStatusEvents(this);
        _chores.Start();
        return Task.CompletedTask;
    }

    /// <summary>
    /// First in a silo's stop: its jobs go to other silos at once, and what runs here may finish, and goes back to its
    /// job when the time is up. Where there are no others, the jobs are held to the end, and start nothing more.
    /// </summary>
    private async Task DrainAsync(CancellationToken cancellation)
    {
        if (IsStopping) return;
        Runner.IsDraining = true;
        bool alone = _membership.GetApproximateSiloStatuses(onlyActive: true).Keys.All(Silo.Equals);
        if (alone) Engine.IsHeld = true;
        else await HandOverAllAsync();
        using var patience = new CancellationTokenSource(Options.DrainTimeout, Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        await Runner.DrainedAsync(both.Token);
        Runner.ReleaseAll();
        using var grace = new CancellationTokenSource(JobDefaults.CancelGrace, Clock);
        await Runner.DrainedAsync(grace.Token);
        await HandOverAllAsync();
        await _stop.CancelAsync();
        await _chores.StopAsync();
    }

    private Task HandOverAllAsync() => Task.WhenAll(_held.Values.Select(HandOverAsync));

    private async Task HandOverAsync(Activation activation)
    {
        try
        {
            await LetGoAsync(activation).WaitAsync(TimeSpan.FromSeconds(5), Clock, CancellationToken.None);
        }
        catch (Exception e) when (e is StoreException or TimeoutException)
        {
            EngineLog.JobNotHandedOver(Engine.Log, activation.Job, e);
        }
    }

    /// <summary>Writes what the job has decided, lets it go, and lets everybody see that nobody holds it.</summary>
    public async Task LetGoAsync(Activation activation)
    {
        LetGo(activation);
        if (activation.IsDead) return;
        // What is recorded as started reaches its worker, or the next holder waits for it in vain for a lease. Answered
        // when everything before it is durable.
        long start = Clock.GetTimestamp();
        while (await activation.AskAsync(static (a, _) => ((RemoteAttemptSet)a.Attempts).LetGo())
            && Clock.GetElapsedTime(start) < StartPatience)
            await Task.Delay(TimeSpan.FromMilliseconds(5), Clock);
        bool goesOn = activation.HasWork;
        activation.Die(null);
        if (goesOn)
            await Engine.Store.PostponeAsync(
                [activation.Holding], Clock.GetUtcNow(), CancellationToken.None);
    }

    private async Task CloseAsync()
    {
        if (_engine is null) return;
        await _stop.CancelAsync();
        await _chores.StopAsync();
        foreach (Activation activation in _held.Values) activation.Die(null);
        await _engine.Threads.DisposeAsync();
        if (_store is not null) await _store.DisposeAsync();
    }

    // A bug in one job's writes ends that job's activation, and the next group is written. A store that will not write
    // again makes the silo useless: whoever supervises it starts another one, which opens the store anew.
    private void OnFault(Exception fault)
    {
        EngineLog.StoreFailed(Engine.Log, fault);
        if (fault is StoreException { IsTransient: false })
            _services.GetService<IHostApplicationLifetime>()?.StopApplication();
    }

    private static InvalidOperationException NotStarted() =>
        new("Granary has not been started on this silo: AddGranary(g => g.UseCluster()) starts it with the silo.");
}
