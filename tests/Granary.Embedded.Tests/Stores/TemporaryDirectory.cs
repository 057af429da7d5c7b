using Granary.Embedded.Sqlite;

namespace Granary.Embedded.Tests.Stores;

/// <summary>A directory of a test's own, with a store's file in it.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("granary-").FullName;

    public string File => this["jobs.db"];

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public Task<SqliteJobStore> OpenAsync(bool readOnly = false) =>
        SqliteJobStore.OpenAsync(new SqliteStoreOptions { Path = File, ReadOnly = readOnly }, CancellationToken.None);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
