using Granary.Engines;

namespace Granary.Cli;

/// <summary>
/// The file of <c>--out</c>. The number of whole lines in it is the cursor: a run that goes on appends from there, so
/// that each outcome is in it exactly once. A last line that a crash cut off is written anew.
/// </summary>
internal sealed class OutFile : IDisposable
{
    private static readonly byte[] s_begin = "{\"index\":"u8.ToArray();

    private readonly string _path;
    private readonly FileStream _stream;
    private long _wholeBytes;
    private int _lastIndex = -1;

    private OutFile(string path, FileStream stream) => (_path, _stream) = (path, stream);

    /// <summary>Whole lines in the file.</summary>
    public int Lines { get; private set; }

    /// <summary>Opens or creates the file and counts its lines; changes nothing yet.</summary>
    public static OutFile Open(string path)
    {
        FileStream stream = Lock(path);
        var file = new OutFile(path, stream);
        try
        {
            if (stream.CanSeek) file.Count();
            return file;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Refuses a file with anything in it: the job is new.</summary>
    public void RequireEmpty()
    {
        if (!_stream.CanSeek || _stream.Length == 0) return;
        throw CliException.BadInput($"--out: {_path} holds {Lines:N0} lines already, and this job is new",
            "Give another --out, or remove the file. To go on with an earlier run, give the same command and --db.");
    }

    /// <summary>Checks that the file is the beginning of the job's output in completion order, and stands behind
    /// it.</summary>
    /// <returns>The stream to append to.</returns>
    public async Task<Stream> ContinueAsync(IJobEngine engine, JobStatus job, CancellationToken cancellation)
    {
        if (Lines > job.CompletionCount)
            throw NotThisJobs($"has {Lines:N0} lines, and the job {job.CompletionCount:N0} completions");
        if (Lines > 0)
        {
            CompletionPage page = await engine.ReadCompletionsAsync(job.Id, Lines - 1, 1, TimeSpan.Zero, cancellation);
            CheckLast(page.Outcomes[0].Index);
        }
        return Append();
    }

    /// <summary>The same in submission order.</summary>
    public async Task<Stream> ContinueOrderedAsync(IJobEngine engine, JobStatus job, CancellationToken cancellation)
    {
        if (Lines > 0)
        {
            IReadOnlyList<Outcome?> outcomes = await engine.ReadOutcomesAsync(job.Id, Lines - 1, 1, cancellation);
            if (outcomes is not [not null])
                throw NotThisJobs($"has {Lines:N0} lines, and the job has not come that far");
            CheckLast(Lines - 1);
        }
        return Append();
    }

    /// <summary>Empties the file, to write it anew.</summary>
    public void Restart() => (Lines, _wholeBytes, _lastIndex) = (0, 0, -1);

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    // A process that was killed a moment ago may still be holding it.
    private static FileStream Lock(string path)
    {
        for (int tries = 10; ; tries--)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 0);
            }
            catch (IOException e) when (tries > 0 && e.GetType() == typeof(IOException) && File.Exists(path))
            {
#pragma warning disable RS0030 // Nothing runs yet that this could hold up.
                Thread.Sleep(50);
#pragma warning restore RS0030
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                string why = e is DirectoryNotFoundException ? "there is no such directory" : e.Message;
                throw CliException.BadInput(
                    $"--out: {path} cannot be written: {why}", "Check the path and its permissions.");
            }
        }
    }

    private void CheckLast(int index)
    {
        if (_lastIndex != index)
            throw NotThisJobs($"line {Lines:N0} is of item {_lastIndex}, and should be of item {index}");
    }

    private FileStream Append()
    {
        if (_stream.CanSeek)
        {
            _stream.SetLength(_wholeBytes);
            _stream.Seek(0, SeekOrigin.End);
        }
        return _stream;
    }

    private void Count()
    {
        byte[] buffer = new byte[1 << 17];
        byte[] line = new byte[64];
        int lineLength = 0;
        long at = 0;
        for (int read; (read = _stream.Read(buffer)) > 0; at += read)
        {
            ReadOnlySpan<byte> rest = buffer.AsSpan(0, read);
            while (!rest.IsEmpty)
            {
                int end = rest.IndexOf((byte)'\n');
                ReadOnlySpan<byte> piece = end < 0 ? rest : rest[..end];
                int copied = Math.Min(piece.Length, line.Length - lineLength);
                piece[..copied].CopyTo(line.AsSpan(lineLength));
                lineLength += copied;
                rest = rest[(end < 0 ? piece.Length : end + 1)..];
                if (end < 0) break;
                _lastIndex = IndexIn(line.AsSpan(0, lineLength));
                Lines++;
                _wholeBytes = at + read - rest.Length;
                lineLength = 0;
            }
        }
        ReadOnlySpan<byte> torn = line.AsSpan(0, Math.Min(lineLength, s_begin.Length));
        if (!s_begin.AsSpan().StartsWith(torn)) throw NotOutput(Lines + 1);
    }

    private int IndexIn(ReadOnlySpan<byte> line)
    {
        if (!line.StartsWith(s_begin)) throw NotOutput(Lines + 1);
        ReadOnlySpan<byte> digits = line[s_begin.Length..];
        int length = digits.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return length > 0 && int.TryParse(digits[..length], out int index) ? index : throw NotOutput(Lines + 1);
    }

    private CliException NotOutput(int line) => CliException.BadInput(
        $"--out: {_path} is not the output of a run: line {line:N0} is no outcome",
            "Give another --out; nothing was changed.");

    private CliException NotThisJobs(string why) => CliException.BadInput(
        $"--out: {_path} is not the output of this job: {why}", "Give another --out, or remove the file.");
}
