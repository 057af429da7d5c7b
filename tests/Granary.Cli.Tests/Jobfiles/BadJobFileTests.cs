using System.Text;

namespace Granary.Cli.Tests;

/// <summary>Every way in which a job file can be wrong, and the exact message it is refused with.</summary>
public sealed class BadJobFileTests
{
    private static readonly string[] s_handlers = ["exec", "http", "echo", "sleep"];

    /// <summary>The corpus: a file, then <c>=&gt;</c> and its message, then its hint.</summary>
    public static TheoryData<string, string, string> Files
    {
        get
        {
            var files = new TheoryData<string, string, string>
            {
                { "", "1:1: the file ends in the middle of the JSON text", "" },
                { "  \n", "2:1: the file ends in the middle of the JSON text", "" },
                { "{\"batch\":\0{}}", "1:10: batch: holds a NUL character", "" },
            };
            string corpus = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Jobfiles", "bad-job-files.txt"));
            foreach (string entry in corpus.ReplaceLineEndings("\n").Trim().Split("\n\n"))
            {
                string[] parts = entry.Split("\n=> ");
                string[] answer = parts[1].Split("\n   hint: ");
                files.Add(parts[0], answer[0], answer.Length > 1 ? answer[1] : "");
            }
            return files;
        }
    }

    [Fact]
    public void The_corpus_has_more_than_40_files() => Assert.True(Files.Count > 40);

    [Theory]
    [MemberData(nameof(Files))]
    public void A_bad_job_file_is_refused_with_its_place_and_field(string text, string message, string hint)
    {
        CliException fault = Refusal(Encoding.UTF8.GetBytes(text));
        Assert.Equal("job.json:" + message, fault.Message);
        Assert.Equal(hint, fault.Hint);
        Assert.Equal(ExitCode.BadInput, fault.Code);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void The_message_is_the_same_when_the_file_comes_byte_by_byte(string text, string message, string hint)
    {
        CliException fault = Assert.Throws<CliException>(() => ReadAll(new Trickle(Encoding.UTF8.GetBytes(text))));
        Assert.Equal(("job.json:" + message, hint), (fault.Message, fault.Hint));
    }

    [Fact]
    public void A_file_that_is_not_UTF8_is_refused_where_it_is_not()
    {
        byte[] text = [.. "{\"batch\":\n{\"näme\":\""u8, 0xFF, .. "\"}}"u8];
        Assert.Equal("job.json:2:10: the file is not UTF-8", Refusal(text).Message);
        byte[] cut = [.. "{\"batch\": \""u8, 0xE2, 0x82];
        Assert.Equal("job.json:1:12: the file is not UTF-8", Refusal(cut).Message);
    }

    [Fact]
    public void A_UTF16_file_is_called_by_its_name()
    {
        CliException fault = Refusal(Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("{}")).ToArray());
        Assert.Equal("job.json:1:1: the file is not UTF-8", fault.Message);
        Assert.Equal("The file looks like UTF-16: save it as UTF-8, or convert it with iconv.", fault.Hint);
    }

    [Theory]
    [InlineData("""{"batch":{"items":[""", "]}}")]
    [InlineData("""{"chain":[""", "]}")]
    public void Nesting_of_ten_thousand_is_refused_at_level_33(string open, string close)
    {
        string text = string.Concat(Enumerable.Repeat(open, 10_000)) + string.Concat(Enumerable.Repeat(close, 10_000));
        CliException fault = Refusal(Encoding.UTF8.GetBytes(text));
        Assert.EndsWith(": batches and chains nest deeper than 32 levels", fault.Message, StringComparison.Ordinal);
        Assert.StartsWith($"job.json:1:{32 * open.Length + open.IndexOf(':', StringComparison.Ordinal) + 2}:",
            fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{\"a\":", "}")]
    public void Arguments_nested_ten_thousand_deep_are_refused_at_level_65(string open, string close)
    {
        string args =
            string.Concat(Enumerable.Repeat(open, 10_000)) + "1" + string.Concat(Enumerable.Repeat(close, 10_000));
        CliException fault =
            Refusal(Encoding.UTF8.GetBytes($$$"""{"batch":{"items":[{"task":"echo","args":{{{args}}}}]}}"""));
        Assert.EndsWith(": batch.items[0].args: is nested deeper than 64 levels", fault.Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(JobDefaults.MaxArgumentBytes - 1)]
    [InlineData(5_000_000)]
    public void Arguments_over_one_mebibyte_are_refused(int length)
    {
        string text = "{\"batch\":{\"items\":[\n{\"task\":\"echo\",\"args\":\"" + new string('a', length) + "\"}]}}";
        CliException fault = Refusal(Encoding.UTF8.GetBytes(text));
        Assert.Equal("job.json:2:23: batch.items[0].args: is larger than 1,024 KiB", fault.Message);
    }

    [Fact]
    public void An_argument_of_100_MB_is_refused_without_reading_it_all()
    {
        var endless = new Endless("{\"batch\":{\"items\":[{\"task\":\"echo\",\"args\":\""u8.ToArray(), 100_000_000);
        CliException fault = Assert.Throws<CliException>(() => ReadAll(endless));
        Assert.Equal("job.json:1:42: batch.items[0].args: is larger than 1,024 KiB", fault.Message);
        Assert.InRange(endless.Position, 1, 10_000_000);
    }

    private static CliException Refusal(byte[] text) =>
        Assert.Throws<CliException>(() => ReadAll(new MemoryStream(text)));

    private static void ReadAll(Stream stream)
    {
        foreach (Item _ in new JobFileReader(stream, "job.json", s_handlers).ReadItems()) { }
    }
}
