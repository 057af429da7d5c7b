namespace Granary.Simulation.Worlds;

/// <summary>The one source of chance in a history. SplitMix64: https://prng.di.unimi.it/splitmix64.c</summary>
internal sealed class SimRandom(ulong seed)
{
    private ulong _state = seed;

    public ulong NextBits()
    {
        ulong x = _state += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    /// <summary>From 0 up to, not including, the bound.</summary>
    public int Next(int bound) => (int)(((NextBits() >> 32) * (ulong)bound) >> 32);

    /// <summary>From the first up to and including the last.</summary>
    public int Between(int first, int last) => first + Next(last - first + 1);

    public bool Chance(int percent) => Next(100) < percent;

    public T Pick<T>(IReadOnlyList<T> list) => list[Next(list.Count)];

    /// <summary>Another one, which what this one gives from now on does not change.</summary>
    public SimRandom Fork() => new(NextBits());
}

/// <summary>The same as the framework's kind, for the engine.</summary>
internal sealed class SimFrameworkRandom(SimRandom random) : Random(0)
{
    public override int Next() => random.Next(int.MaxValue);
}
