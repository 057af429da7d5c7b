using System.Runtime.InteropServices;

namespace Granary.Silo;

/// <summary>Whether somebody has told the program to stop: the host stops on these signals too.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly PosixSignalRegistration[] _signals;
    private volatile bool _hasCome;

    public StopSignals() => _signals =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Note),
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Note),
        PosixSignalRegistration.Create(PosixSignal.SIGQUIT, Note),
    ];

    public bool HaveCome => _hasCome;

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals) signal.Dispose();
    }

    private void Note(PosixSignalContext signal)
    {
        _hasCome = true;
        // The host stops in order, now or as soon as it listens.
        signal.Cancel = true;
    }
}
