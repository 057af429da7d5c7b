using System.Globalization;
using Granary.Stores;

namespace Granary.Embedded.Sqlite;

/// <summary>Makes sure that one process writes a file, and tells the others which.</summary>
internal static class FileOwner
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Takes the exclusive lock, which the operating system gives back when the stream is closed or the
    /// process ends. The lock file stays: removing it would let two processes lock two files of one name.</summary>
    /// <exception cref="StoreException">Another process has it; after half a second, in which a restarting program
    /// lets go.</exception>
    public static async Task<FileStream> LockAsync(string path, CancellationToken cancellation)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return Open(path + "-lock", FileMode.OpenOrCreate, FileShare.None);
            }
            catch (UnauthorizedAccessException error)
            {
                throw SqliteFaults.ReadOnly(path, error.Message);
            }
            catch (IOException error) when (!IsLocked(error))
            {
                throw SqliteFaults.ReadOnly(path, error.Message);
            }
            catch (IOException)
            {
                if (TimeProvider.System.GetElapsedTime(start) >= Patience)
                    throw new StoreException(StoreFault.Owned, Describe(path));
            }
            await Task.Delay(Pause, cancellation);
        }
    }

    /// <summary>Makes the database file, for its owner's eyes only, if there is none.</summary>
    public static void CreateIfMissing(string path)
    {
        if (File.Exists(path)) return;
        try
        {
            Open(path, FileMode.CreateNew, FileShare.ReadWrite).Dispose();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw SqliteFaults.ReadOnly(path, error.Message);
        }
    }

    /// <summary>Writes down who owns the file from now on.</summary>
    public static void Record(Connection connection, DateTimeOffset now) => connection
        .Prepare("REPLACE INTO owner (id, pid, program, machine, since) VALUES (1, ?, ?, ?, ?)")
        .Bind(1, Environment.ProcessId)
        .Bind(2, Path.GetFileNameWithoutExtension(Environment.ProcessPath ?? "unknown program"))
        .Bind(3, Environment.MachineName)
        .Bind(4, now.ToUnixTimeMilliseconds())
        .Run();

    private static FileStream Open(string path, FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        return new FileStream(path, options);
    }

    // The runtime reports a lock that is held as a sharing violation: EWOULDBLOCK on Unix, ERROR_SHARING_VIOLATION on
    // Windows.
    private static bool IsLocked(IOException error) =>
        error.GetType() == typeof(IOException) && (error.HResult is 11 or 35 or unchecked((int)0x80070020));

    private static string Describe(string path) =>
        $"'{path}' is in use by {Owner(path)}. Wait until it has ended or stop it; reading works meanwhile.";

    private static string Owner(string path)
    {
        try
        {
            using Connection reader = Connection.OpenReader(path);
            return reader.Query("SELECT pid, program, machine, since FROM owner", Read) ?? "another process";
        }
        catch (StoreException)
        {
            return "another process";
        }
    }

    private static string Read(Statement row) => string.Create(CultureInfo.InvariantCulture,
        $"process {row.Int64(0)} ({row.Text(1)} on {row.Text(2)}) since " +
        $"{DateTimeOffset.FromUnixTimeMilliseconds(row.Int64(3)):yyyy-MM-dd HH:mm:ss}Z");
}
