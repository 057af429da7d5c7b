using System.Runtime.InteropServices;

namespace Granary.Cli;

/// <summary>Ctrl-C, termination and hang-up: the first asks to stop gently, the second to stop now, the third ends the
/// process.</summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _gently = new();
    private readonly CancellationTokenSource _now = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private volatile bool _handled;
    private int _count;

    public Interrupts()
    {
        PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
        foreach (PosixSignal signal in signals) _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
    }

    /// <summary>Fires at the first: start nothing more, let what runs finish.</summary>
    public CancellationToken Gently => _gently.Token;

    /// <summary>Fires at the second: end what runs.</summary>
    public CancellationToken Now => _now.Token;

    /// <summary>From now on the tokens tell; until then an interrupt ends the process: nothing is lost.</summary>
    public void LeaveToCaller() => _handled = true;

    /// <inheritdoc/>
    public void Dispose()
    {
        // The sources hold nothing, and an interrupt that came a moment ago may still be about to cancel them.
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
    }

    private void OnSignal(PosixSignalContext signal)
    {
        if (!_handled) Environment.Exit((int)ExitCode.Interrupted);
        int count = Interlocked.Increment(ref _count);
        signal.Cancel = count <= 2;
        // What the tokens set off must not run inside the signal handler.
        if (count == 1) ThreadPool.UnsafeQueueUserWorkItem(_ => _gently.Cancel(), null);
        if (count == 2) ThreadPool.UnsafeQueueUserWorkItem(_ => _now.Cancel(), null);
    }
}
