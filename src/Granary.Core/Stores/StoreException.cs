namespace Granary.Stores;

/// <summary>What is wrong with a store.</summary>
public enum StoreFault : byte
{
    /// <summary>There is no room; the same write may work later.</summary>
    Full = 1,

    /// <summary>The store cannot be reached or is busy; the same write may work later.</summary>
    Unavailable = 2,

    /// <summary>
    /// It is unknown whether the write was done. Nothing more may be written or acknowledged until the store is
    /// opened again.
    /// </summary>
    Unknown = 3,

    /// <summary>It may only be read.</summary>
    ReadOnly = 4,

    /// <summary>Another process has it open.</summary>
    Owned = 5,

    /// <summary>It was written by a newer version of Granary.</summary>
    Newer = 6,

    /// <summary>It is something else than a Granary store.</summary>
    NotAStore = 7,

    /// <summary>Data in it is damaged.</summary>
    Corrupt = 8,

    /// <summary>There is no such file, or it may not be opened.</summary>
    Missing = 9,
}

/// <summary>A store cannot do what was asked. The message says what, where, and how to mend it.</summary>
public sealed class StoreException : Exception
{
    /// <summary>Makes one.</summary>
    public StoreException(StoreFault fault, string message, Exception? inner = null) : base(message, inner) =>
        Fault = fault;

    /// <summary>What is wrong, for programs.</summary>
    public StoreFault Fault { get; }

    /// <summary>Whether the same write may work later.</summary>
    public bool IsTransient => Fault is StoreFault.Full or StoreFault.Unavailable;
}
