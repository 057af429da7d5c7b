namespace Granary.Activations;

/// <summary>
/// Waiting without exceptions, and without leaving the caller's context, which may be the one thread of a simulation.
/// </summary>
internal static class Patience
{
    /// <summary>Waits for the task's end and takes no notice of how it ended.</summary>
    public const ConfigureAwaitOptions Quietly =
        ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    /// <summary>Before a store that was away is asked again: 1 second.</summary>
    public static Task PauseAsync(TimeProvider clock, CancellationToken cancellation = default) =>
        Task.Delay(TimeSpan.FromSeconds(1), clock, cancellation);

    /// <summary>Waits until one of the tokens fires.</summary>
    public static async Task UntilAsync(params CancellationToken[] tokens)
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        CancellationTokenRegistration[] registered =
            Array.ConvertAll(tokens, token => token.UnsafeRegister(Fire, fired));
        await fired.Task;
        foreach (CancellationTokenRegistration registration in registered) registration.Unregister();
    }

    /// <summary>Waits until the question is answered, one way or the other, or one of the tokens fires.</summary>
    public static async Task AnsweredAsync(Task question, params CancellationToken[] tokens)
    {
        if (question.IsCompleted) return;
        var answered = new CancellationTokenSource();
        _ = FollowAsync(question, answered.Cancel);
        await UntilAsync([answered.Token, .. tokens]);
    }

    private static async Task FollowAsync(Task question, Action answered)
    {
        await question.ConfigureAwait(Quietly);
        answered();
    }

    private static void Fire(object? fired) => ((TaskCompletionSource)fired!).TrySetResult();
}
