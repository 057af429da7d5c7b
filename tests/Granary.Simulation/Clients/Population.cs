using Granary.Embedded;
using Granary.Engines;
using Granary.Simulation.Checks;
using Granary.Simulation.Plans;
using Granary.Simulation.Worlds;
using Granary.Stores;

namespace Granary.Simulation.Clients;

/// <summary>All clients of a history. They talk to whatever process is there, and ask again when it is lost.</summary>
internal sealed class Population
{
    private readonly World _world;
    private readonly JobClient[] _jobs;
    private Task? _finishing;
    private int _calls;

    public Population(World world, Plan plan)
    {
        _world = world;
        _jobs = [.. plan.Jobs.Select((job, i) => new JobClient(this, world, job, world.History.Jobs[i]))];
    }

    /// <summary>Everything has been asked, answered and checked.</summary>
    public bool IsDone => _finishing is { IsCompleted: true };

    public void Start()
    {
        foreach (JobClient job in _jobs) job.Start();
    }

    public void Take(PlanStep step) => _jobs[step.Job].Take(step);

    /// <summary>Nothing goes wrong from here on: everybody gets to the end.</summary>
    public void Finish() => _finishing = FinishAsync();

    /// <summary>Asks once.</summary>
    public async Task<T> AskAsync<T>(Func<EmbeddedEngine, CancellationToken, Task<T>> request, bool mayHangUp = true)
    {
        SimProcess process = _world.FindProcess() ?? throw new ConnectionLostException();
        bool hangsUp = mayHangUp && !_world.IsHealing && _world.Random.Chance(5);
        _calls++;
        return await process.CallAsync(request, hangsUp ? TimeSpan.FromMilliseconds(_world.Random.Next(3000)) : null);
    }

    /// <summary>Asks until there is an answer. Only for what may be asked twice.</summary>
    public async Task<T> InsistAsync<T>(Func<EmbeddedEngine, CancellationToken, Task<T>> request)
    {
        while (true)
        {
            try
            {
                return await AskAsync(request);
            }
            catch (Exception e) when (IsUnknown(e))
            {
                await PauseAsync();
            }
        }
    }

    public async Task<CompletionPage> ReadAsync(JobId job, int after, int max, TimeSpan patience)
    {
        CompletionPage page = await InsistAsync((engine, hangUp) => engine.ReadCompletionsAsync(
            job, after, max, patience, hangUp));
        // The planted bug: the page leaves one out.
        return _world.Planted == PlantedBug.CursorGap && after > 0 && page.Outcomes.Count > 1
            ? page with { Outcomes = [.. page.Outcomes.Skip(1)] }
            : page;
    }

    public Task PauseAsync() => Task.Delay(TimeSpan.FromMilliseconds(_world.Random.Between(1, 2000)), _world.Clock);

    /// <summary>Whether it is unknown if the request was carried out, or will be when it is sent again.</summary>
    public static bool IsUnknown(Exception e) => e switch
    {
        ConnectionLostException or OperationCanceledException => true,
        StoreException store =>
            store.Fault is StoreFault.Unavailable or StoreFault.Full or StoreFault.Unknown or StoreFault.Owned,
        RefusedException refused => refused.Refusal is Refusal.Stopping or Refusal.NoHandler,
        _ => false,
    };

    public string Describe() => string.Join("; ", _jobs.Select(job => job.Describe()).Where(text => text.Length > 0));

    /// <summary>Runs something of a client; what it throws is a violation.</summary>
    public async Task GuardAsync(Func<Task> action, FormattableString what)
    {
        try
        {
            await action();
        }
        catch (Exception e)
        {
            _world.History.Violate("client", $"{what}: {e.GetType().Name}: {e}");
        }
    }

    private async Task FinishAsync()
    {
        foreach (JobClient job in _jobs) await job.FinishAsync();
        await GuardAsync(() => new FinalCheck(_world, this).RunAsync(), $"the final check");
    }
}
