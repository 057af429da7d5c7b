namespace Granary.Cli.Tests;

/// <summary>Bad usage: one clear error, exit code 2, and nothing has happened.</summary>
public sealed class UsageTests : IDisposable
{
    private readonly Workspace _here = new();

    public static TheoryData<string, string, string> Mistakes => new()
    {
        { "", "granary: Required command was not provided.", "See granary --help." },
        { "rn", "granary: unknown verb \"rn\"", "Did you mean run? See granary --help." },
        { "run", "granary: nothing to run", "Give a job file, or --exec CMD, --http URL or --task NAME; see granary run --help." },
        { "run --exce true", "granary: unknown option \"--exce\"", "Did you mean --exec? See granary run --help." },
        { "run a b", "granary: unknown argument \"b\"", "See granary run --help." },
        { "run nothere.json", "granary: nothere.json cannot be read: there is no such file", "Check the path and its permissions." },
        { "run .", "granary: . is a directory", "Give a file of lines or a job file." },
        { "run job.json --exec true", "granary: a job file, --exec, --http and --task exclude each other", "Give one of them." },
        { "run job.json -c 0", "granary: --concurrency must be a whole number from 1 to 1,000,000, is \"0\"", "See granary run --help." },
        { "run job.json -c -1", "granary: --concurrency must be a whole number from 1 to 1,000,000, is \"-1\"", "See granary run --help." },
        { "run job.json -c many", "granary: --concurrency must be a whole number from 1 to 1,000,000, is \"many\"", "See granary run --help." },
        { "run job.json --retries -1", "granary: --retries must be a whole number from 0 to 10,000, is \"-1\"", "See granary run --help." },
        { "run job.json --timeout -5s",
            "granary: --timeout: \"-5s\" must not be negative. A duration is written like 250ms, 1.5s, 1m30s, 2h or 7d, and is at most 10000d.",
            "See granary run --help." },
        { "run job.json --from lines.txt", "granary: --from, --args and --shell do not fit a job file", "Leave them out." },
        { "run job.json --out job.json", "granary: --out is the input file", "Give another --out." },
        { "run job.json --out granary.db", "granary: --out is the database", "Give another --out." },
        { "run chain.json -c 3", "granary: chain.json is a chain; -c and --fail-fast fit only a batch", "Leave them out." },
        { "run --exec cat{}", "granary: there is no input for {}", "Add --from FILE, or --from - for standard input." },
        { "run --exec true --from lines.txt", "granary: the command has no {}, the place of the input line", "For example --exec 'sha256sum {}'." },
        { "run --exec 'a", "granary: --exec: the quote ' is not closed", "Close it, or put a backslash before it." },
        { "run --task ecko --from lines.txt", "granary: --task: there is no handler \"ecko\"",
            "Did you mean \"echo\"? Handlers here: echo, exec, http, sleep." },
        { "run --task echo --from lines.txt", "lines.txt:1:1: bad JSON: 'p' is an invalid start of a value.", "" },
        { "run --http {} --from lines.txt", "lines.txt:1:1: \"plain\" is not an http or https URL", "For example --http 'https://example.org/{}'." },
        { "run --shell --task echo", "granary: --shell needs --exec", "Give the script." },
        { "run job.json --out notours.txt", "granary: --out: notours.txt is not the output of a run: line 1 is no outcome",
            "Give another --out; nothing was changed." },
        { "run job.json --out no/such/dir", "granary: --out: no/such/dir cannot be written", "Check the path and its permissions." },
        { "resize last 0", "granary: N must be a whole number from 1 to 1,000,000, is \"0\"", "See granary resize --help." },
        { "wait last --until never", "granary: Argument 'never' not recognized. Must be one of: 'first' 'first-exception' 'all'",
            "See granary wait --help." },
        { "show", "granary: Required argument missing for command: 'show'.", "See granary show --help." },
        { "run bad.json", "bad.json:2:11: batch.items[0].task: there is no handler \"ehco\"",
            "Did you mean \"echo\"? Handlers here: echo, exec, http, sleep." },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task A_mistake_is_named_and_nothing_happens(string line, string message, string hint)
    {
        _here.Write("job.json", """{"batch":{"items":[{"task":"echo"}]}}""").Write("chain.json", """{"chain":[]}""")
            .Write("bad.json", "{\"batch\":{\"items\":[\n  {\"task\":\"ehco\"}]}}")
            .Write("lines.txt", "plain\n").Write("notours.txt", "precious");
        Finished end = await _here.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        string[] error = end.Expect(ExitCode.BadInput).Error.TrimEnd().Split('\n');
        Assert.StartsWith(message, error[0], StringComparison.Ordinal);
        Assert.Equal(hint.Length > 0 ? "  hint: " + hint : message, error[^1]);
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
        Assert.StartsWith("granary: there is no database no.db\n", end.Expect(ExitCode.Store).Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_here.PathOf("no.db")));
    }

    [Theory]
    [InlineData("--help", "Commands:")]
    [InlineData("run --help", "--fail-fast")]
    [InlineData("schema", "https://json-schema.org/draft/2020-12/schema")]
    [InlineData("--version", "0.")]
    public async Task Help_and_schema_are_printed(string line, string text) =>
        Assert.Contains(text, (await _here.RunAsync(line.Split(' '))).Expect(ExitCode.Ok).Output, StringComparison.Ordinal);

    public void Dispose() => _here.Dispose();
}
