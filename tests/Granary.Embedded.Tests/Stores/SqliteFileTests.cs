using Granary.Conformance.Stores;
using Granary.Embedded.Sqlite;
using Granary.Engines;
using Granary.Stores;
using Xunit;
using static Granary.Conformance.Stores.Writes;

namespace Granary.Embedded.Tests.Stores;

public sealed class SqliteFileTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [SmallDiskFact]
    public async Task A_full_disk_refuses_writes_loses_none_and_goes_on_when_there_is_room()
    {
        using SmallDisk disk = SmallDisk.TryMount(4)!;
        string path = Path.Combine(disk.Path, "jobs.db"), ballast = Path.Combine(disk.Path, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[2 << 20]);
        SqliteJobStore store = await OpenAsync(path);
        int written = 0, refused = 0;
        while (refused < 50)
        {
            try
            {
                Assert.Equal(WriteResult.Written, await store.CommitAsync(Large(written + 1)));
                written++;
            }
            catch (StoreException error)
            {
                Assert.Equal(StoreFault.Full, error.Fault);
                refused++;
            }
        }
        Assert.True(written > 3, $"Only {written} fit.");
        Assert.Equal(written, (await store.ListLiveAsync(default, 1_000, default)).Count);
        File.Delete(ballast);
        Assert.Equal(WriteResult.Written, await store.CommitAsync(Large(written + 1)));
        await store.DisposeAsync();

        await using SqliteJobStore again = await OpenAsync(path);
        Assert.Equal(written + 1, (await again.ListLiveAsync(default, 1_000, default)).Count);
        Assert.Empty(await again.CheckAsync(default));
    }

    [Fact]
    public void A_full_database_leaves_the_connection_clean()
    {
        using Connection connection = SqliteOpening.Writer(_directory.File, SyncMode.Full);
        using var writer = new SqliteWriter(connection, checkpointPages: 4_096);
        connection.Execute("PRAGMA max_page_count = 200");
        Assert.Equal([WriteResult.Written], writer.Commit([Large(1)]));
        JobWrite[] tooMuch = [New(2), .. Enumerable.Range(3, 20).Select(i => Large(i))];
        var error = Assert.Throws<StoreException>(() => writer.Commit(tooMuch));
        Assert.Equal(StoreFault.Full, error.Fault);
        Assert.True(error.IsTransient);
        Assert.False(connection.InTransaction);
        Assert.Equal(1, connection.QueryInt64("SELECT count(*) FROM jobs"));

        Assert.Equal([WriteResult.Written], writer.Commit([New(2)]));
        connection.Execute("PRAGMA max_page_count = 100000");
        Assert.Equal([WriteResult.Written], writer.Commit([Large(3)]));
    }

    [Fact]
    public async Task A_bug_in_a_write_leaves_nothing_of_its_group_and_the_store_usable()
    {
        await using SqliteJobStore store = await _directory.OpenAsync();
        JobWrite bug = new()
        {
            Job = new JobId(2),
            Epoch = 1,
            Phase = JobPhase.Live,
            State = JobState.Running,
            Summary = default,
            Pages = [null!],
        };
        await Assert.ThrowsAsync<NullReferenceException>(() => store.CommitAsync([New(1), bug], default).AsTask());
        Assert.Null(await store.LoadAsync(new JobId(1), default));
        Assert.Equal(WriteResult.Written, await store.CommitAsync(New(1)));
    }

    [Fact]
    public async Task Damage_is_found_by_the_check()
    {
        await using (SqliteJobStore store = await _directory.OpenAsync())
            await store.CommitAsync([.. Enumerable.Range(1, 300).Select(i => New(i, pages: 30))], default);
        DamageInside();
        await using SqliteJobStore damaged = await _directory.OpenAsync();
        Assert.NotEmpty(await damaged.CheckAsync(default));
    }

    [Fact]
    public async Task Missing_and_stray_rows_are_found()
    {
        await using (SqliteJobStore store = await _directory.OpenAsync())
        {
            JobWrite staged = New(3, phase: JobPhase.Staged, pages: 3);
            await store.CommitAsync([New(1, pages: 3), New(2, pages: 3), staged], default);
            await store.CommitAsync([Next(1, record: 0), Next(1, record: 1)], default);
            Assert.Empty(await store.CheckAsync(default));
        }
        using (var connection = Connection.OpenWriter(_directory.File))
        {
            connection.Execute("""
                DELETE FROM pages WHERE job = 2 AND number = 1;
                DELETE FROM records WHERE job = 1 AND number = 1;
                INSERT INTO records VALUES (77, 0, x'00', x'00');
                """);
        }
        await using SqliteJobStore reader = await _directory.OpenAsync(readOnly: true);
        IReadOnlyList<string> problems = await reader.CheckAsync(default);
        Assert.Equal(3, problems.Count);
        Assert.Contains($"pages: job {new JobId(2)} should have 3, has 2", problems);
        Assert.Contains($"records: job {new JobId(1)} should have 2, has 1", problems);
        Assert.Contains($"records: some belong to job {new JobId(77)}, which does not exist", problems);
    }

    [Fact]
    public async Task A_removal_that_was_cut_off_is_taken_up_again()
    {
        await using (SqliteJobStore store = await _directory.OpenAsync())
        {
            await store.CommitAsync([New(7, key: "key", pages: 10), End(7, Noon)], default);
            Assert.False(await store.RemoveAsync(new JobId(7), 4, default));
        }
        await using SqliteJobStore again = await _directory.OpenAsync();
        Assert.Empty(await again.CheckAsync(default));
        Assert.Empty(await again.ListAsync(new JobQuery(), default));
        Assert.Equal([new JobId(7)], await again.ListExpiredAsync(Noon, 9, default));
        await again.RemoveAllAsync(new JobId(7));
        Assert.Empty(await again.ListExpiredAsync(Noon, 9, default));
        Assert.Empty(await again.ListStagedAsync(DateTimeOffset.MaxValue, 9, default));
    }

    [Fact]
    public async Task A_backup_under_load_is_a_whole_store_of_one_moment()
    {
        await using SqliteJobStore store = await _directory.OpenAsync();
        await store.CommitAsync([New(1), New(2)], default);
        using var ending = new CancellationTokenSource();
        int committed = 0;
        Task load = Task.Run(async () =>
        {
            for (; !ending.IsCancellationRequested; committed++)
                await store.CommitAsync([Next(1, committed), Next(2, committed), Large(1_000 + committed)], default);
        });
        for (int i = 0; i < 5; i++)
        {
            int before = Volatile.Read(ref committed);
            string copy = _directory[$"copy{i}.db"];
            await store.BackupAsync(copy, default);
            await using SqliteJobStore restored = await OpenAsync(copy);
            Assert.Empty(await restored.CheckAsync(default));
            int first = (await restored.ReadRecordsAsync(new JobId(1), 0, int.MaxValue, false, default)).Count;
            int second = (await restored.ReadRecordsAsync(new JobId(2), 0, int.MaxValue, false, default)).Count;
            Assert.Equal(first, second);
            Assert.True(first >= before, $"{before} commits were done before the backup, which has {first}.");
        }
        await ending.CancelAsync();
        await load;
    }

    [Fact]
    public async Task A_key_that_leads_to_another_job_is_damage_and_not_that_job()
    {
        await using (SqliteJobStore store = await _directory.OpenAsync())
            await store.CommitAsync([New(1, key: "mine"), New(2)], default);
        using (Connection connection = Connection.OpenWriter(_directory.File))
        {
            // The row is changed behind the index's back.
            connection.Execute("""
                PRAGMA writable_schema = ON;
                CREATE TABLE kept AS SELECT * FROM sqlite_master WHERE name = 'jobs_by_key';
                DELETE FROM sqlite_master WHERE name = 'jobs_by_key';
                """);
        }
        using (Connection connection = Connection.OpenWriter(_directory.File))
        {
            connection.Execute("""
                UPDATE jobs SET key = 'other' WHERE id = 1;
                PRAGMA writable_schema = ON;
                INSERT INTO sqlite_master SELECT * FROM kept;
                """);
        }
        await using SqliteJobStore damaged = await _directory.OpenAsync(readOnly: true);
        var error = await Assert.ThrowsAsync<StoreException>(() => damaged.FindAsync("mine", default).AsTask());
        Assert.Equal(StoreFault.Corrupt, error.Fault);
        Assert.NotEmpty(await damaged.CheckAsync(default));
    }

    [Fact]
    public async Task A_backup_never_overwrites()
    {
        await using SqliteJobStore store = await _directory.OpenAsync();
        await File.WriteAllTextAsync(_directory["precious"], "precious");
        await Assert.ThrowsAsync<IOException>(() => store.BackupAsync(_directory["precious"], default));
        Assert.Equal("precious", await File.ReadAllTextAsync(_directory["precious"]));
        Assert.Equal(5, Directory.GetFiles(_directory.Path).Length);
    }

    [Fact]
    public async Task A_canceled_commit_writes_nothing()
    {
        await using SqliteJobStore store = await _directory.OpenAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => store.CommitAsync([New(1)], new CancellationToken(canceled: true)).AsTask());
        Assert.Null(await store.LoadAsync(new JobId(1), default));
    }

    [Fact]
    public async Task The_log_is_emptied_now_and_then()
    {
        await using SqliteJobStore store = await _directory.OpenAsync();
        for (int i = 1; i <= 1_000; i++) await store.CommitAsync(Large(i));
        long log = new FileInfo(_directory.File + "-wal").Length;
        Assert.True(log < 40 << 20, $"The log has {log >> 20} MiB after 128 MiB of writes.");
        Assert.Equal(1_000, (await store.ListLiveAsync(default, 2_000, default)).Count);
    }

    [Fact]
    public async Task Closing_empties_the_log_and_leaves_the_file_alone_to_be_copied()
    {
        await using (SqliteJobStore store = await _directory.OpenAsync())
        {
            await store.CommitAsync(New(1));
            Assert.NotNull(await store.LoadAsync(new JobId(1), default));
        }
        Assert.False(File.Exists(_directory.File + "-wal"));
        Assert.False(File.Exists(_directory.File + "-shm"));
    }

    private void DamageInside()
    {
        using FileStream file = File.OpenWrite(_directory.File);
        byte[] noise = new byte[4_096];
        Array.Fill(noise, (byte)0xA5);
        for (long at = file.Length / 2; at < (file.Length / 2) + (10 * 4_096); at += 4_096)
        {
            file.Position = at / 4_096 * 4_096;
            file.Write(noise);
        }
    }

    private static Task<SqliteJobStore> OpenAsync(string path) =>
        SqliteJobStore.OpenAsync(new SqliteStoreOptions { Path = path }, CancellationToken.None);

    private static JobWrite Large(long job) => new()
    {
        Job = new JobId(job),
        Epoch = 1,
        Header = Bytes("header", job),
        Phase = JobPhase.Live,
        State = JobState.Running,
        Summary = default,
        Pages = [new StoredPage(0, new byte[1 << 10], new byte[127 << 10])],
    };
}
