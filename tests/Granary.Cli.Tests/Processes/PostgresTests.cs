using Granary.Conformance.Stores;

namespace Granary.Cli.Tests.Processes;

/// <summary>The same command on a PostgreSQL database instead of a file.</summary>
public sealed class PostgresTests : IDisposable
{
    private readonly Workspace _here = new();

    public void Dispose() => _here.Dispose();

    [PostgresFact]
    public async Task A_run_on_a_server_is_killed_and_goes_on_and_every_verb_works()
    {
        string db = await NewDatabaseAsync();
        _here.Write("lines.txt", "a\nb\nc\n");
        string[] run =
        [
            "run", "--db", db, "-c", "1", "--shell", "--from", "lines.txt", "--exec",
            "echo {} >> ran.txt; [ {} != b ] || [ -e go ] || sleep 60",
        ];
        await using (LiveCommand first = _here.Start(run))
        {
            await SoonAsync(() => File.Exists(_here.PathOf("ran.txt")) && _here.Read("ran.txt").Contains('b'));
            // Another process may look, and is told who owns the database when it wants more.
            Finished list = (await _here.RunAsync("ls", "--db", db, "--json")).Expect(ExitCode.Ok);
            Assert.Equal("Running", Assert.Single(list.Lines).GetProperty("state").GetString());
            Finished refused = (await _here.RunAsync("cancel", "last", "--db", db)).Expect(ExitCode.Store);
            Assert.Contains("is in use by process ", refused.Error, StringComparison.Ordinal);
            await first.KillAsync();
        }
        _here.Write("go", "");
        Finished second = (await _here.RunAsync(run)).Expect(ExitCode.Ok);
        Assert.Equal(3, second.Lines.Length);
        Assert.Equal(["a", "b", "b", "c"], _here.Read("ran.txt").Split('\n', StringSplitOptions.RemoveEmptyEntries));

        (await _here.RunAsync("show", "last", "--db", db)).Expect(ExitCode.Ok);
        Finished results = (await _here.RunAsync("results", "last", "--json", "--db", db)).Expect(ExitCode.Ok);
        Assert.Equal(3, results.Lines.Length);
        (await _here.RunAsync("retry", "last", "--db", db)).Expect(ExitCode.Ok);
        Finished verify = (await _here.RunAsync("verify", "--db", db)).Expect(ExitCode.Ok);
        Assert.Contains("is intact", verify.Output, StringComparison.Ordinal);
        (await _here.RunAsync("work", "--db", db)).Expect(ExitCode.Ok);
        Finished backup = (await _here.RunAsync("backup", "copy.db", "--db", db)).Expect(ExitCode.BadInput);
        Assert.Contains("pg_dump", backup.Error, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_server_that_cannot_be_used_is_a_clear_error_without_a_password_in_it()
    {
        string host = Uri.EscapeDataString(_here.Directory);
        Finished absent = await _here.RunAsync("ls", "--db", $"postgres://me:secret@/jobs?host={host}");
        absent.Expect(ExitCode.Store);
        Assert.Contains("PostgreSQL does not answer for schema 'granary' of database 'jobs'", absent.Error,
            StringComparison.Ordinal);
        Finished empty = (await _here.RunAsync("ls", "--db", await NewDatabaseAsync())).Expect(ExitCode.Store);
        Assert.Contains("There is no store in schema", empty.Error, StringComparison.Ordinal);
        Finished wrong = await _here.RunAsync("ls", "--db", "postgres://me:secret@h/jobs?colour=blue");
        wrong.Expect(ExitCode.BadInput);
        Assert.DoesNotContain("secret", absent.Error + wrong.Error, StringComparison.Ordinal);
    }

    private static async Task<string> NewDatabaseAsync() =>
        $"{(await PostgresServer.SharedAsync()).Address}&schema={PostgresServer.NewSchema()}";

    private static async Task SoonAsync(Func<bool> holds)
    {
        using var timeout = new CancellationTokenSource(Workspace.Patience);
        while (!holds()) await Task.Delay(20, timeout.Token);
    }
}
