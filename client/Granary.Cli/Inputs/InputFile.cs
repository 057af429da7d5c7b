using System.Buffers;
using System.Security.Cryptography;

namespace Granary.Cli;

/// <summary>A file that can be read more than once. Standard input and pipes are copied to a temporary file
/// first.</summary>
internal sealed class InputFile : IDisposable
{
    private readonly string _path;
    private readonly FileStream? _spool;

    private InputFile(string name, string path, FileStream? spool) => (Name, _path, _spool) = (name, path, spool);

    /// <summary>What messages call it.</summary>
    public string Name { get; }

    /// <summary>The full path of a regular file; null for what was copied.</summary>
    public string? RegularPath => _spool is null ? Path.GetFullPath(_path) : null;

    /// <summary>Opens a file; <c>-</c> is standard input.</summary>
    public static InputFile Open(string path)
    {
        if (path == "-") return Spool("(standard input)", Console.OpenStandardInput());
        try
        {
            if (Directory.Exists(path))
                throw CliException.BadInput($"{path} is a directory", "Give a file of lines or a job file.");
            var stream =
                new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
            bool regular = stream.CanSeek && (File.GetAttributes(path) & FileAttributes.Device) == 0;
            if (!regular) return Spool(path, stream);
            stream.Dispose();
            return new InputFile(path, path, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.BadInput($"{path} cannot be read: {Reason(e)}", "Check the path and its permissions.");
        }
    }

    /// <summary>From its beginning.</summary>
    public Stream Read() =>
        new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0,
            FileOptions.SequentialScan);

    /// <summary>Adds the whole content to a hash, in pieces.</summary>
    public void AddTo(IncrementalHash hash)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 17);
        using Stream stream = Read();
        for (int read; (read = stream.Read(buffer)) > 0;) hash.AppendData(buffer, 0, read);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <inheritdoc/>
    public void Dispose() => _spool?.Dispose();

    private static InputFile Spool(string name, Stream source)
    {
        using Stream input = source;
        string path = Path.Combine(Path.GetTempPath(), $"granary-{Guid.NewGuid():N}.in");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            Options = FileOptions.DeleteOnClose,
        };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var spool = new FileStream(path, options);
        input.CopyTo(spool);
        spool.Flush();
        return new InputFile(name, path, spool);
    }

    private static string Reason(Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file",
        UnauthorizedAccessException => "permission denied",
        _ => e.Message,
    };
}
