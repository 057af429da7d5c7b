namespace Granary.Crash.Tests.PowerCuts;

/// <summary>What a power cut does to writes that were not synced.</summary>
internal enum Loss
{
    /// <summary>They had all reached the disk.</summary>
    None = 1,

    /// <summary>None had.</summary>
    All,

    /// <summary>Each had, or had not.</summary>
    Some,

    /// <summary>Those up to one had, and a part of that one.</summary>
    Tail,

    /// <summary>Each sector of 512 bytes had, or had not.</summary>
    Sectors,

    /// <summary>Each page of 4 KiB had, or had not.</summary>
    Pages,
}

/// <summary>A disk that knows what is safe on it and what is not.</summary>
internal sealed class Disk
{
    private readonly Dictionary<int, DiskFile> _files = [];
    private readonly Dictionary<string, int> _names = [];
    private readonly List<DiskEvent> _unsafeNames = [];

    /// <summary>What was told before now.</summary>
    public List<Ack> Told { get; } = [];

    public void Apply(DiskEvent happened)
    {
        switch (happened)
        {
            case Created created:
                _files[created.File] = new DiskFile();
                _unsafeNames.Add(created);
                break;
            case Removed:
                _unsafeNames.Add(happened);
                break;
            case NamesSynced:
                foreach (DiskEvent change in _unsafeNames) Rename(_names, change);
                _unsafeNames.Clear();
                break;
            case Written written:
                _files[written.File].Unsafe.Add(written);
                break;
            case Resized resized:
                _files[resized.File].Unsafe.Add(resized);
                break;
            case Synced synced:
                _files[synced.File].Sync();
                break;
            case Told told:
                Told.Add(told.Ack);
                break;
        }
    }

    /// <summary>Writes to the directory what a power cut now might leave.</summary>
    public void CutPower(string directory, Loss loss, Random random)
    {
        foreach (string old in Directory.GetFiles(directory)) File.Delete(old);
        var names = new Dictionary<string, int>(_names);
        // A journal keeps the names' changes in their order.
        int kept = loss switch
        {
            Loss.None => _unsafeNames.Count,
            Loss.All => 0,
            _ => random.Next(_unsafeNames.Count + 1),
        };
        foreach (DiskEvent change in _unsafeNames.Take(kept)) Rename(names, change);
        foreach ((string name, int file) in names)
        {
            DiskFile left = _files[file].After(loss, random);
            using var stream = new FileStream(Path.Combine(directory, name), FileMode.Create);
            stream.Write(left.Safe.AsSpan(0, left.Length));
        }
    }

    private static void Rename(Dictionary<string, int> names, DiskEvent change)
    {
        if (change is Created created) names[created.Name] = created.File;
        else names.Remove(((Removed)change).Name);
    }
}

/// <summary>A file's safe bytes, and what was done to it since.</summary>
internal sealed class DiskFile
{
    private const int Sector = 512;
    private const int Page = 4096;

    public byte[] Safe { get; private set; } = [];

    public int Length { get; private set; }

    public List<DiskEvent> Unsafe { get; } = [];

    public void Sync()
    {
        foreach (DiskEvent change in Unsafe) Apply(change);
        Unsafe.Clear();
    }

    public DiskFile After(Loss loss, Random random)
    {
        var left = new DiskFile { Safe = Safe, Length = Length };
        if (Unsafe.Count == 0 || loss == Loss.All) return left;
        left.Safe = Safe.ToArray();
        int tail = random.Next(Unsafe.Count);
        int full = Length;
        for (int i = 0; i < Unsafe.Count; i++)
        {
            if (Unsafe[i] is Written w) full = Math.Max(full, w.Offset + w.Data.Length);
            switch (loss)
            {
                case Loss.None:
                    left.Apply(Unsafe[i]);
                    break;
                case Loss.Some when random.Next(2) == 0:
                    left.Apply(Unsafe[i]);
                    break;
                case Loss.Tail when i < tail:
                    left.Apply(Unsafe[i]);
                    break;
                case Loss.Tail when i == tail && Unsafe[i] is Written torn:
                    left.Apply(torn with { Data = torn.Data[..Math.Min(torn.Data.Length, random.Next(9) * Sector)] });
                    break;
                case Loss.Sectors or Loss.Pages:
                    left.ApplyTorn(Unsafe[i], loss == Loss.Pages ? Page : Sector, random);
                    break;
            }
        }
        // A file's length may be on the disk before its last bytes are.
        if (loss is Loss.Sectors or Loss.Pages && random.Next(4) == 0) left.Grow(full);
        return left;
    }

    private void ApplyTorn(DiskEvent change, int unit, Random random)
    {
        if (change is not Written written)
        {
            if (random.Next(2) == 0) Apply(change);
            return;
        }
        for (int at = 0; at < written.Data.Length;)
        {
            int end = Math.Min(written.Data.Length, ((((written.Offset + at) / unit) + 1) * unit) - written.Offset);
            if (random.Next(2) == 0) Apply(new Written(written.File, written.Offset + at, written.Data[at..end]));
            at = end;
        }
    }

    private void Apply(DiskEvent change)
    {
        switch (change)
        {
            case Written written:
                Grow(written.Offset + written.Data.Length);
                written.Data.CopyTo(Safe, written.Offset);
                break;
            case Resized resized:
                Grow(resized.Length);
                Array.Clear(Safe, resized.Length, Length - resized.Length);
                Length = resized.Length;
                break;
        }
    }

    private void Grow(int length)
    {
        if (length <= Length) return;
        if (length > Safe.Length)
        {
            byte[] larger = new byte[Math.Max(length, Safe.Length * 2)];
            Safe.AsSpan(0, Length).CopyTo(larger);
            Safe = larger;
        }
        Length = length;
    }
}
