using System.Diagnostics;
using System.Runtime.Versioning;
using Granary.Conformance.Stores;
using Granary.Embedded.Sqlite;
using Granary.Engines;
using Granary.Stores;
using Xunit;
using static Granary.Conformance.Stores.Writes;

namespace Granary.Embedded.Tests.Stores;

public sealed class SqliteOpeningTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task What_was_committed_is_there_after_reopening()
    {
        await using (SqliteJobStore store = await _directory.OpenAsync())
            await store.CommitAsync(New(7, "k", pages: 2));
        await using SqliteJobStore again = await _directory.OpenAsync();
        Assert.Equal(new JobId(7), await again.FindAsync("k", default));
        Assert.Equal(2, (await again.ReadPagesAsync(new JobId(7), 0, 9, true, default)).Count);
        Assert.Equal(WriteResult.Written, await again.CommitAsync(Next(7, record: 0)));
    }

    [Fact]
    public async Task What_was_committed_is_there_after_a_crash()
    {
        await using SqliteJobStore store = await _directory.OpenAsync();
        for (int i = 1; i <= 20; i++) await store.CommitAsync(New(i));
        // What a killed process leaves behind: the file and its log, as they are at this moment.
        using var crashed = new TemporaryDirectory();
        File.Copy(_directory.File, crashed.File);
        File.Copy(_directory.File + "-wal", crashed.File + "-wal");
        await using SqliteJobStore again = await crashed.OpenAsync();
        Assert.Equal(20, (await again.ListLiveAsync(default, 100, default)).Count);
    }

    [Fact]
    public async Task A_second_owner_is_told_at_once_who_has_the_file()
    {
        await using SqliteJobStore store = await _directory.OpenAsync();
        // The best of three: the machine may be busy.
        var times = new List<TimeSpan>();
        for (int i = 0; i < 3; i++)
        {
            var watch = Stopwatch.StartNew();
            StoreException error = await FailsAsync(StoreFault.Owned);
            times.Add(watch.Elapsed);
            Assert.Contains($"process {Environment.ProcessId} (", error.Message, StringComparison.Ordinal);
            Assert.Contains(" since 20", error.Message, StringComparison.Ordinal);
        }
        Assert.InRange(times.Min(), TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task The_next_owner_gets_the_file_when_the_one_before_lets_go()
    {
        SqliteJobStore first = await _directory.OpenAsync();
        Task<SqliteJobStore> second = _directory.OpenAsync();
        await first.DisposeAsync();
        await using SqliteJobStore store = await second;
        Assert.Equal(WriteResult.Written, await store.CommitAsync(New(7)));
    }

    [Fact]
    public async Task Reading_works_beside_the_owner_and_sees_what_it_commits()
    {
        await using SqliteJobStore owner = await _directory.OpenAsync();
        await using SqliteJobStore reader = await _directory.OpenAsync(readOnly: true);
        Assert.Empty(await reader.ListAsync(new JobQuery(), default));
        await owner.CommitAsync(New(7));
        Assert.Single(await reader.ListAsync(new JobQuery(), default));
        Assert.Empty(await reader.CheckAsync(default));
    }

    [Fact]
    public async Task Reading_works_without_an_owner_and_refuses_to_write()
    {
        await using (SqliteJobStore store = await _directory.OpenAsync()) await store.CommitAsync(New(7));
        await using SqliteJobStore reader = await _directory.OpenAsync(readOnly: true);
        Assert.NotNull(await reader.LoadAsync(new JobId(7), default));
        var job = new JobId(7);
        await FailsAsync(StoreFault.ReadOnly, () => reader.CommitAsync(New(8)));
        await FailsAsync(StoreFault.ReadOnly, () => reader.AcquireAsync(job, default).AsTask());
        await FailsAsync(StoreFault.ReadOnly, () => reader.RemoveAsync(job, 1, default).AsTask());
    }

    [SmallDiskFact]
    public async Task A_read_only_disk_can_be_read_but_not_owned()
    {
        using SmallDisk disk = SmallDisk.TryMount(4)!;
        string path = Path.Combine(disk.Path, "jobs.db");
        await using (SqliteJobStore store = await OpenAsync(path)) await store.CommitAsync(New(7));
        disk.MakeReadOnly();
        StoreException error = await FailsAsync(StoreFault.ReadOnly, () => OpenAsync(path));
        Assert.Contains("Read-only file system", error.Message, StringComparison.Ordinal);
        await using SqliteJobStore reader = await OpenAsync(path, readOnly: true);
        Assert.NotNull(await reader.LoadAsync(new JobId(7), default));
    }

    [UnprivilegedFact, UnsupportedOSPlatform("windows")]
    public async Task A_read_only_directory_can_be_read_but_not_owned()
    {
        await using (SqliteJobStore store = await _directory.OpenAsync()) await store.CommitAsync(New(7));
        File.Delete(_directory.File + "-lock");
        UnixFileMode mode = File.GetUnixFileMode(_directory.Path);
        File.SetUnixFileMode(_directory.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            StoreException error = await FailsAsync(StoreFault.ReadOnly);
            Assert.Contains("denied", error.Message, StringComparison.Ordinal);
            await using SqliteJobStore reader = await _directory.OpenAsync(readOnly: true);
            Assert.NotNull(await reader.LoadAsync(new JobId(7), default));
        }
        finally
        {
            File.SetUnixFileMode(_directory.Path, mode);
        }
    }

    [UnprivilegedFact, UnsupportedOSPlatform("windows")]
    public async Task A_read_only_file_is_refused_to_an_owner()
    {
        await (await _directory.OpenAsync()).DisposeAsync();
        File.SetUnixFileMode(_directory.File, UnixFileMode.UserRead);
        await FailsAsync(StoreFault.ReadOnly);
    }

    [Fact]
    public async Task A_file_or_directory_that_does_not_exist_is_named()
    {
        await FailsAsync(StoreFault.Missing, readOnly: true);
        await FailsAsync(StoreFault.Missing, () => OpenAsync(_directory[Path.Combine("no", "jobs.db")]));
        await FailsAsync(StoreFault.NotAStore, () => OpenAsync(_directory.Path));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Something_else_than_a_store_is_refused_and_left_alone(bool readOnly)
    {
        string text = string.Join('\n', Enumerable.Range(0, 1_000));
        await File.WriteAllTextAsync(_directory.File, text);
        await FailsAsync(StoreFault.NotAStore, readOnly);
        Assert.Equal(text, await File.ReadAllTextAsync(_directory.File));
    }

    [Theory]
    [InlineData("CREATE TABLE jobs (id)")]
    [InlineData("PRAGMA application_id = 7")]
    [InlineData("PRAGMA user_version = 1")]
    public async Task The_database_of_another_program_is_refused(string sql)
    {
        FileOwner.CreateIfMissing(_directory.File);
        using (var other = Connection.OpenWriter(_directory.File)) other.Execute(sql);
        await FailsAsync(StoreFault.NotAStore);
        await FailsAsync(StoreFault.NotAStore, readOnly: true);
    }

    [Fact]
    public async Task An_empty_file_becomes_a_store_but_cannot_be_read_as_one()
    {
        FileOwner.CreateIfMissing(_directory.File);
        await FailsAsync(StoreFault.NotAStore, readOnly: true);
        await using SqliteJobStore store = await _directory.OpenAsync();
        Assert.Equal(WriteResult.Written, await store.CommitAsync(New(7)));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(4_096)]
    [InlineData(20_000)]
    [InlineData(100_000)]
    public async Task A_file_that_is_cut_short_is_called_damaged(int length)
    {
        await FillAsync();
        using (FileStream file = File.OpenWrite(_directory.File)) file.SetLength(length);
        await FailsAsync(StoreFault.Corrupt);
        await FailsAsync(StoreFault.Corrupt, readOnly: true);
    }

    [Fact]
    public async Task A_file_of_an_older_version_is_brought_up_to_date()
    {
        await FillAsync();
        using (var older = Connection.OpenWriter(_directory.File))
            older.Execute("DROP INDEX jobs_by_due; ALTER TABLE jobs DROP COLUMN due; PRAGMA user_version = 1");
        await FailsAsync(StoreFault.ReadOnly, readOnly: true);
        await using SqliteJobStore store = await _directory.OpenAsync();
        IReadOnlyList<StoredJob> kept = await store.ListAsync(new JobQuery { Max = 1 }, default);
        DateTimeOffset noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);
        HeldJob held = new(Assert.Single(kept).Job, kept[0].Epoch);
        Assert.Empty(await store.ListDueAsync(DateTimeOffset.MaxValue, 9, default));
        Assert.Empty(await store.PostponeAsync([held], noon, default));
        Assert.Equal([held.Job], await store.ListDueAsync(noon, 9, default));
    }

    [Fact]
    public async Task A_file_of_a_newer_version_is_refused()
    {
        await FillAsync();
        using (var newer = Connection.OpenWriter(_directory.File)) newer.Execute("PRAGMA user_version = 1000");
        StoreException error = await FailsAsync(StoreFault.Newer);
        Assert.Contains("version 1000", error.Message, StringComparison.Ordinal);
        await FailsAsync(StoreFault.Newer, readOnly: true);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("a?b#c%20d")]
    [InlineData("ü")]
    public async Task Any_file_name_will_do(string name)
    {
        string path = _directory[name];
        await using (SqliteJobStore store = await OpenAsync(path)) await store.CommitAsync(New(7));
        Assert.True(File.Exists(path));
        await using SqliteJobStore reader = await OpenAsync(path, readOnly: true);
        using var still = Connection.OpenReader(path, immutable: true);
        Assert.Equal(1, still.QueryInt64("SELECT count(*) FROM jobs"));
    }

    [Fact]
    public async Task The_files_are_for_their_owner_only()
    {
        if (OperatingSystem.IsWindows()) return;
        await using SqliteJobStore store = await _directory.OpenAsync();
        string[] files = Directory.GetFiles(_directory.Path);
        Assert.Equal(4, files.Length);
        foreach (string file in files)
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public void The_writer_runs_in_wal_mode_with_full_synchronous()
    {
        var defaults = new SqliteStoreOptions { Path = _directory.File };
        using Connection connection = SqliteOpening.Writer(defaults.Path, defaults.Synchronous);
        Assert.Equal("wal", connection.QueryText("PRAGMA journal_mode"));
        Assert.Equal(2, connection.QueryInt64("PRAGMA synchronous"));
    }

    private async Task FillAsync()
    {
        await using SqliteJobStore store = await _directory.OpenAsync();
        for (int i = 1; i <= 200; i++) await store.CommitAsync(New(i, pages: 200));
    }

    private Task<StoreException> FailsAsync(StoreFault fault, bool readOnly = false) =>
        FailsAsync(fault, () => _directory.OpenAsync(readOnly));

    private static async Task<StoreException> FailsAsync(StoreFault fault, Func<Task> action)
    {
        StoreException error = await Assert.ThrowsAsync<StoreException>(action);
        Assert.True(fault == error.Fault, $"{error.Fault}: {error.Message}");
        Assert.Contains("'", error.Message, StringComparison.Ordinal);
        return error;
    }

    private static Task<SqliteJobStore> OpenAsync(string path, bool readOnly = false) =>
        SqliteJobStore.OpenAsync(new SqliteStoreOptions { Path = path, ReadOnly = readOnly }, CancellationToken.None);
}

/// <summary>A test of permissions, which do not bind an administrator.</summary>
internal sealed class UnprivilegedFactAttribute : FactAttribute
{
    public UnprivilegedFactAttribute()
    {
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess) Skip = "Permissions do not bind this user.";
    }
}
