namespace Granary.Activations;

/// <summary>Whom an attempt reports to when its handler has come back.</summary>
internal interface IAttemptOwner
{
    /// <summary>The job it belongs to.</summary>
    JobId Job { get; }

    /// <summary>Takes the attempt back, on the handler's thread.</summary>
    void PostHere(object message);
}
