namespace Granary.Cli.Tests;

/// <summary>Bad usage: one clear error, exit code 2, and nothing has happened.</summary>
public sealed class UsageTests : IDisposable
{
    private readonly Workspace _here = new();

    /// <summary>Commands, each with the error it is answered with.</summary>
    public static TheoryData<string, string> Mistakes
    {
        get
        {
            var mistakes = new TheoryData<string, string>();
            string transcript = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Processes", "mistakes.txt"));
            foreach (string entry in transcript.ReplaceLineEndings("\n").Trim().Split("\n\n"))
            {
                string[] parts = entry.Split('\n', 2);
                mistakes.Add(parts[0]["$ granary".Length..], parts[1]);
            }
            return mistakes;
        }
    }

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task A_mistake_is_named_and_nothing_happens(string arguments, string error)
    {
        _here.Write("job.json", """{"batch":{"items":[{"task":"echo"}]}}""").Write("chain.json", """{"chain":[]}""")
            .Write("bad.json", "{\"batch\":{\"items\":[\n  {\"task\":\"ehco\"}]}}")
            .Write("lines.txt", "plain\n").Write("notours.txt", "precious");
        Finished end = await _here.RunAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(error, end.Expect(ExitCode.BadInput).Error.TrimEnd());
        Assert.Equal("", end.Output);
        Assert.Equal("precious", _here.Read("notours.txt"));
        if (File.Exists(_here.PathOf("granary.db"))) Assert.Equal("", (await _here.RunAsync("ls", "--json")).Output);
    }

    [Theory]
    [InlineData("show last")]
    [InlineData("cancel last")]
    [InlineData("verify")]
    public async Task A_database_that_is_not_there_is_named(string line)
    {
        Finished end = await _here.RunAsync([.. line.Split(' '), "--db", "no.db"]);
        Assert.StartsWith("granary: there is no database no.db\n", end.Expect(ExitCode.Store).Error);
        Assert.False(File.Exists(_here.PathOf("no.db")));
    }

    [Theory]
    [InlineData("--help", "Commands:")]
    [InlineData("run --help", "--fail-fast")]
    [InlineData("schema", "https://json-schema.org/draft/2020-12/schema")]
    [InlineData("--version", "0.")]
    public async Task Help_and_schema_are_printed(string line, string text) =>
        Assert.Contains(text, (await _here.RunAsync(line.Split(' '))).Expect(ExitCode.Ok).Output);

    public void Dispose() => _here.Dispose();
}
