using System.Globalization;

namespace Granary.Crash.Tests;

/// <summary>What a run can be given from outside.</summary>
internal static class Settings
{
    /// <summary>Environment variable GRANARY_SEED; 1.</summary>
    public static int Seed => Number("GRANARY_SEED", 1);

    /// <summary>Environment variable GRANARY_CRASH_POINTS; 300.</summary>
    public static int CrashPoints => Number("GRANARY_CRASH_POINTS", 300);

    /// <summary>A new directory, in memory where there is one.</summary>
    public static string MemoryDirectory()
    {
        const string Memory = "/dev/shm";
        string parent = Directory.Exists(Memory) ? Memory : Path.GetTempPath();
        return Directory.CreateDirectory(Path.Combine(parent, "granary-" + Path.GetRandomFileName())).FullName;
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : otherwise;
}
