using System.Buffers;
using System.Security.Cryptography;

namespace Granary.Cli;

/// <summary>A file that can be read more than once; standard input and pipes are copied to a temporary one.</summary>
internal sealed class InputFile : IDisposable
{
    private const FileShare Shared = FileShare.ReadWrite | FileShare.Delete;
    private readonly FileStream _file;

    private InputFile(string name, FileStream file, string? path) => (Name, _file, RegularPath) = (name, file, path);

    /// <summary>What messages call it.</summary>
    public string Name { get; }

    /// <summary>The full path of a regular file; null for what was copied.</summary>
    public string? RegularPath { get; }

    /// <summary>Opens a file; <c>-</c> is standard input.</summary>
    public static InputFile Open(string path)
    {
        if (path == "-") return Copy("(standard input)", Console.OpenStandardInput());
        try
        {
            if (Directory.Exists(path))
                throw CliException.BadInput($"{path} is a directory", "Give a file of lines or a job file.");
            var stream = new FileStream(path, FileMode.Open, FileAccess.Read, Shared, 0);
            bool regular = stream.CanSeek && (File.GetAttributes(path) & FileAttributes.Device) == 0;
            return regular ? new InputFile(path, stream, Path.GetFullPath(path)) : Copy(path, stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.BadInput(
                $"{path} cannot be read: {Reason(e)}", "Check the path and its permissions.");
        }
    }

    /// <summary>From its beginning; independent of other readings.</summary>
    public Stream Read() => new Reading(_file);

    /// <summary>Adds the whole content to a hash, in pieces.</summary>
    public void AddTo(IncrementalHash hash)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 17);
        using Stream stream = Read();
        for (int read; (read = stream.Read(buffer)) > 0;) hash.AppendData(buffer, 0, read);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static InputFile Copy(string name, Stream source)
    {
        using Stream input = source;
        string path = Path.Combine(Path.GetTempPath(), $"granary-{Path.GetRandomFileName()}.in");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = Shared,
            Options = FileOptions.DeleteOnClose,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var copy = new FileStream(path, options);
        // Without its name it is gone however this process ends.
        if (!OperatingSystem.IsWindows()) File.Delete(path);
        input.CopyTo(copy, 1 << 16);
        return new InputFile(name, copy, null);
    }

    private static string Reason(Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file",
        UnauthorizedAccessException => "permission denied",
        _ => e.Message,
    };

    /// <summary>Reads an open file with a position of its own.</summary>
    private sealed class Reading(FileStream file) : Stream
    {
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => file.Length;

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            int read = RandomAccess.Read(file.SafeFileHandle, buffer, _position);
            _position += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
