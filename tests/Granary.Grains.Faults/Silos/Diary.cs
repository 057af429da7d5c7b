using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Granary.Grains.Faults.Silos;

/// <summary>What a line of a silo's diary is about.</summary>
internal enum DiaryKind
{
    /// <summary>A handler was called.</summary>
    Begin = 1,

    /// <summary>It gave its value.</summary>
    End = 2,

    /// <summary>It was stopped.</summary>
    Stop = 3,

    /// <summary>A late write was refused.</summary>
    Fenced = 4,

    /// <summary>Attempts were given up.</summary>
    Lost = 5,

    /// <summary>A job was taken over.</summary>
    Recovered = 6,
}

/// <summary>A line: the time by the clock that all processes share, and what it is about.</summary>
internal readonly record struct DiaryLine(DiaryKind Kind, long At, long Job, long Number, int Attempt)
{
    public static DiaryLine? Parse(string line)
    {
        string[] words = line.Split(' ');
        // A killed silo may leave half of its last line.
        if (words.Length != 6 || words[5] != ".") return null;
        long[] numbers = Array.ConvertAll(words[..5], word => long.Parse(word, CultureInfo.InvariantCulture));
        return new((DiaryKind)numbers[0], numbers[1], numbers[2], numbers[3], (int)numbers[4]);
    }
}

/// <summary>Writes a silo's diary; what is written survives the silo.</summary>
internal sealed class DiaryWriter(string path)
{
    private readonly Lock _gate = new();
    private readonly FileStream _file =
        new(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);

    public void Write(DiaryKind kind, TaskContext task, long number) =>
        Write(kind, task.Job.Value, number, task.Attempt);

    public void Write(DiaryKind kind, long count) => Write(kind, 0, count, 0);

    private void Write(DiaryKind kind, long job, long number, int attempt)
    {
        string line = string.Create(
            CultureInfo.InvariantCulture, $"{(int)kind} {Stopwatch.GetTimestamp()} {job} {number} {attempt} .\n");
        lock (_gate) _file.Write(Encoding.ASCII.GetBytes(line));
    }
}
