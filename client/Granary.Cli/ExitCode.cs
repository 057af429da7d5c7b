namespace Granary.Cli;

/// <summary>What the process answers with.</summary>
internal enum ExitCode
{
    /// <summary>Everything asked for succeeded.</summary>
    Ok = 0,

    /// <summary>Some task failed or was canceled, or a check found a problem.</summary>
    SomeFailed = 1,

    /// <summary>Bad usage or bad input; nothing has changed.</summary>
    BadInput = 2,

    /// <summary>Interrupted, or a wait ran out of time; the job can go on.</summary>
    Interrupted = 3,

    /// <summary>The database or the output could not be used.</summary>
    Store = 4,

    /// <summary>A bug in granary itself.</summary>
    Internal = 70,
}
