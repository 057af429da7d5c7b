namespace Granary.Crash.Tests.PowerCuts;

/// <summary>One thing that happened to the disk, or that the victim was told meanwhile.</summary>
internal abstract record DiskEvent;

/// <summary>A name came to be, for a new and empty file.</summary>
internal sealed record Created(string Name, int File) : DiskEvent;

/// <summary>A name is gone.</summary>
internal sealed record Removed(string Name) : DiskEvent;

/// <summary>Bytes were handed to the system.</summary>
internal sealed record Written(int File, int Offset, byte[] Data) : DiskEvent;

/// <summary>A file was cut or stretched.</summary>
internal sealed record Resized(int File, int Length) : DiskEvent;

/// <summary>What was written to the file before is on the disk.</summary>
internal sealed record Synced(int File) : DiskEvent;

/// <summary>The names are on the disk.</summary>
internal sealed record NamesSynced : DiskEvent;

/// <summary>The victim was told something.</summary>
internal sealed record Told(Ack Ack) : DiskEvent;
