using Microsoft.Extensions.Logging;

namespace Granary.Activations;

/// <summary>What all attempts of one job's tasks of one profile share.</summary>
/// <param name="Owner">The job, and whom they are handed back to.</param>
/// <param name="Engine">The engine.</param>
/// <param name="Profile">How the tasks are tried.</param>
/// <param name="Handler">The handler; null if there is none of that name here.</param>
/// <param name="Logger">The handler's log.</param>
internal sealed record AttemptTerms(
    IAttemptOwner Owner, EngineContext Engine, TaskProfile Profile, TaskHandler? Handler, ILogger Logger)
{
    public static AttemptTerms Of(IAttemptOwner owner, EngineContext engine, TaskProfile profile) =>
        new(owner, engine, profile, engine.Handlers.Find(profile.Handler), engine.LoggerOf(profile.Handler));
}
