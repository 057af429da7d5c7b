using System.Globalization;
using System.Text;
using Granary.Engines;

namespace Granary.Crash;

/// <summary>What the victim was told, or is about to ask for.</summary>
public enum AckKind
{
    Submitted = 1,
    Appended,
    Sealed,
    Canceling,
    Canceled,
    Resizing,
    Resized,
    Pausing,
    Paused,
    Resuming,
    Resumed,
    Retrying,
    Retried,
    Shown,
    Began,
    Ended,
}

/// <summary>One line of the victim's diary.</summary>
/// <param name="Kind">What.</param>
/// <param name="Key">The job's key.</param>
/// <param name="Job">The job's id.</param>
/// <param name="First">A number that belongs to it: an item count, an index, a pool or a sequence number.</param>
/// <param name="Second">Another one.</param>
/// <param name="Text">An outcome, in one line.</param>
public sealed record Ack(AckKind Kind, string Key, JobId Job, int First = 0, int Second = 0, string Text = "")
{
    public static Ack Parse(string line)
    {
        string[] parts = line.Split('\t');
        long[] numbers = [.. parts[2..5].Select(part => long.Parse(part, CultureInfo.InvariantCulture))];
        return new Ack(
            Enum.Parse<AckKind>(parts[0]), parts[1], new JobId(numbers[0]), (int)numbers[1], (int)numbers[2], parts[5]);
    }

    /// <summary>The whole lines of a text: the last one may have been cut off.</summary>
    public static IEnumerable<Ack> ParseAll(string text) =>
        text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse);

    /// <summary>Everything of an outcome that may never change.</summary>
    public static string Render(Outcome outcome) => string.Create(CultureInfo.InvariantCulture,
        $"{outcome.Index} {outcome.Sequence} {outcome.State} {outcome.Reason} {outcome.Attempts} " +
        $"{outcome.StartedAt.UtcTicks} {outcome.Duration.Ticks} {outcome.Error?.Message} " +
        $"{Shorten(Encoding.UTF8.GetString(outcome.Value.Span))}");

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Kind}\t{Key}\t{Job.Value}\t{First}\t{Second}\t{Text}");

    private static string Shorten(string value) => value.Length <= 200
        ? value
        : string.Create(CultureInfo.InvariantCulture, $"{value[..100]}…{value.Length}");
}

/// <summary>Writes the diary: each line in one write that the kernel has when <see cref="Add"/> returns.</summary>
public sealed class Diary(string path) : IDisposable
{
    private readonly FileStream _file = new(
        path, new FileStreamOptions
        {
            Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite, BufferSize = 0,
        });

    public void Add(Ack ack)
    {
        byte[] line = Encoding.UTF8.GetBytes($"{ack}\n");
        lock (_file) _file.Write(line);
    }

    public void Dispose() => _file.Dispose();
}
