using Granary.Engines;

namespace Granary.Activations;

/// <summary>Reads completions of a job in memory, and waits for more where there are none yet.</summary>
/// <param name="activation">The job.</param>
/// <param name="time">Measures the patience.</param>
/// <param name="checkRunning">Throws when the engine has stopped.</param>
/// <param name="stop">Fires when it stops.</param>
internal sealed class CompletionWatch(
    Activation activation, TimeProvider time, Action checkRunning, CancellationToken stop)
{
    /// <summary>Of a job that has ended and is not in memory.</summary>
    public static async Task<CompletionPage> ReadEndedAsync(
        JobReader reader, int after, int max, CancellationToken cancellation)
    {
        IReadOnlyList<Outcome> outcomes = await reader.ReadCompletionsAsync(after, max, cancellation);
        return new CompletionPage(outcomes, after + outcomes.Count >= reader.Log.CompletionCount);
    }

    public async Task<CompletionPage> ReadAsync(int after, int max, TimeSpan patience, CancellationToken cancellation)
    {
        JobReader reader = activation.Reader;
        using CancellationTokenSource? waiting = patience > TimeSpan.Zero ? new(patience, time) : null;
        while (true)
        {
            CancellationToken changed = activation.Changed;
            bool finished = activation.IsFinished;
            IReadOnlyList<Outcome> outcomes = await reader.ReadCompletionsAsync(after, max, cancellation);
            bool ended = finished && after + outcomes.Count >= reader.Log.CompletionCount;
            if (outcomes.Count > 0 || ended || waiting is null or { IsCancellationRequested: true })
                return new CompletionPage(outcomes, ended);
            if (activation.IsDead) throw activation.Death();
            checkRunning();
            await Patience.UntilAsync(changed, waiting.Token, cancellation, stop);
            cancellation.ThrowIfCancellationRequested();
        }
    }
}
