using System.Text;

namespace Granary.Cli.Tests;

/// <summary>Every way in which a job file can be wrong, and the exact message it is refused with.</summary>
public sealed class BadJobFileTests
{
    private static readonly string[] s_handlers = ["exec", "http", "echo", "sleep"];

    public static TheoryData<string, string, string> Files => new()
    {
        // Not JSON, or not text.
        { "", "1:1: the file ends in the middle of the JSON text", "" },
        { "  \n", "2:1: the file ends in the middle of the JSON text", "" },
        { """{"batch":{"items":[]""", "1:21: batch: the file ends in the middle of the JSON text", "" },
        { """{"batch":{"items":[{"task":"ec""", "1:31: batch.items[0].task: the file ends in the middle of the JSON text", "" },
        { """{"batch":{"items":[]}} x""", "1:24: bad JSON: 'x' is invalid after a single JSON value. Expected end of data.", "" },
        { """{"batch":{"items":[]}}{}""", "1:23: bad JSON: '{' is invalid after a single JSON value. Expected end of data.", "" },
        { "{\"batch\":{\"items\":[\n{\"task\":\"echo\"},\n]}}", "3:1: batch.items: nothing follows the last comma", "" },
        { "// a list\n{}", "1:1: comments are not allowed in a job file", "Use the field \"name\" for a title." },
        { """{"batch":{/* x */"items":[]}}""", "1:11: batch: comments are not allowed in a job file", "Use the field \"name\" for a title." },
        { "{\"batch\":\0{}}", "1:10: batch: holds a NUL character", "" },
        { "{'batch':{}}", "1:2: bad JSON: ''' is an invalid start of a property name. Expected a '\"'.", "" },
        { "{\"batch\":{\"name\":\"a\nb\"}}", "1:20: batch.name: bad JSON: '0x0A' is invalid within a JSON string. The string should be correctly escaped.", "" },
        { "[]", "1:1: must be a JSON object, is a list", "" },
        { "null", "1:1: must be a JSON object, is null", "" },

        // The root.
        { "{}", "1:2: says no job", "A job file is {\"batch\": {...}} or {\"chain\": [...]}." },
        { """{"job":{}}""", "1:2: unknown field \"job\"", "A job file is {\"batch\": {...}} or {\"chain\": [...]}." },
        { """{"batch":{"items":[]},"chain":[]}""", "1:23: a job is one batch or one chain", "Nest them: {\"batch\": {\"items\": [...]}}." },
        { """{"batch":[]}""", "1:10: batch: must be an object with the field \"items\", is a list", "" },
        { """{"batch":{"maxConcurrency":2}}""", "1:10: batch: the field \"items\" is missing", "" },
        { """{"chain":{"name":"x"}}""", "1:10: chain: the field \"steps\" is missing", "" },
        { """{"chain":7}""", "1:10: chain: must be a list of steps, or an object with the field \"steps\", is 7", "" },
        { """{"batch":{"items":[],"items":[]}}""", "1:22: batch: the field \"items\" is given twice", "" },
        { """{"batch":{"name":"a","name":"b","items":[]}}""", "1:22: batch: the field \"name\" is given twice", "" },
        { """{"batch":{"maxConcurency":5,"items":[]}}""", "1:11: batch: unknown field \"maxConcurency\"", "Did you mean \"maxConcurrency\"?" },
        { """{"chain":{"maxConcurrency":5,"steps":[]}}""", "1:11: chain: unknown field \"maxConcurrency\"",
            "Fields here: retries, backoff, maxBackoff, timeout, cancelGrace, maxInterruptions, deadline, key, name, delay, retention, steps." },
        { """{"batch":{"items":{}}}""", "1:19: batch.items: must be a list, is an object", "" },

        // Values out of range.
        { """{"batch":{"maxConcurrency":0,"items":[]}}""", "1:28: batch.maxConcurrency: must be a whole number from 1 to 1,000,000, is 0", "" },
        { """{"batch":{"maxConcurrency":-1,"items":[]}}""", "1:28: batch.maxConcurrency: must be a whole number from 1 to 1,000,000, is -1", "" },
        { """{"batch":{"maxConcurrency":2.5,"items":[]}}""", "1:28: batch.maxConcurrency: must be a whole number from 1 to 1,000,000, is 2.5", "" },
        { """{"batch":{"maxConcurrency":1e400,"items":[]}}""", "1:28: batch.maxConcurrency: must be a whole number from 1 to 1,000,000, is 1e400", "" },
        { """{"batch":{"maxConcurrency":"5","items":[]}}""", "1:28: batch.maxConcurrency: must be a whole number, is the text \"5\"", "" },
        { """{"batch":{"onFailure":"stop","items":[]}}""", "1:23: batch.onFailure: must be \"continue\" or \"cancelPending\", is the text \"stop\"", "" },
        { """{"batch":{"retries":-2,"items":[]}}""", "1:21: batch.retries: must be a whole number from 0 to 10,000, is -2", "" },
        { """{"batch":{"timeout":"-5s","items":[]}}""", "1:21: batch.timeout: \"-5s\" must not be negative", DurationText.Grammar },
        { """{"batch":{"timeout":"0s","items":[]}}""", "1:21: batch.timeout: must be longer than zero", "" },
        { """{"batch":{"timeout":30,"items":[]}}""", "1:21: batch.timeout: must be a duration such as \"1.5s\", is 30", "" },
        { """{"batch":{"deadline":"soon","items":[]}}""", "1:22: batch.deadline: \"soon\" is not a duration", DurationText.Grammar },
        { """{"batch":{"delay":"20000d","items":[]}}""", "1:19: batch.delay: \"20000d\" is not a duration", DurationText.Grammar },
        { """{"batch":{"key":"","items":[]}}""", "1:17: batch.key: must not be empty", "" },
        { """{"batch":{"key":null,"items":[]}}""", "1:17: batch.key: must be a text, is null", "" },
        { """{"batch":{"name":"a\u0000b","items":[]}}""", "1:18: batch.name: holds a NUL character", "" },

        // Items.
        { """{"batch":{"items":["echo"]}}""", "1:20: batch.items[0]: must be an object: a task, chain, batch or wait, is the text \"echo\"", "" },
        { """{"batch":{"items":[{}]}}""", "1:20: batch.items[0]: says no task, chain, batch or wait",
            "For example {\"task\": \"echo\", \"args\": {\"text\": \"a\"}}." },
        { "{\"batch\":{\"items\":[\n  {\"task\":\"echo\"},\n  {\"task\":\"ehco\"}]}}", "3:11: batch.items[1].task: there is no handler \"ehco\"",
            "Did you mean \"echo\"? Handlers here: echo, exec, http, sleep." },
        { """{"batch":{"items":[{"task":"résumé"}]}}""", "1:28: batch.items[0].task: there is no handler \"résumé\"", "Handlers here: echo, exec, http, sleep." },
        { """{"batch":{"items":[{"task":7}]}}""", "1:28: batch.items[0].task: must be a text, is 7", "" },
        { """{"batch":{"items":[{"task":"echo","arg":{}}]}}""", "1:35: batch.items[0]: unknown field \"arg\"", "Did you mean \"args\"?" },
        { """{"batch":{"items":[{"task":"echo","task":"echo"}]}}""", "1:35: batch.items[0]: the field \"task\" is given twice", "" },
        { """{"batch":{"items":[{"task":"echo","chain":[]}]}}""", "1:43: batch.items[0].chain: the item is a task already",
            "An item is one task, chain, batch or wait." },
        { """{"batch":{"items":[{"retries":3,"chain":[]}]}}""", "1:31: batch.items[0]: the field \"retries\" fits only a task, and this is a chain",
            "Put it inside the chain, or on its tasks." },
        { """{"batch":{"items":[{"wait":"1m"}]}}""", "1:28: batch.items[0].wait: a wait is a step of a chain, not an item of a batch",
            "Wrap it: {\"chain\": [{\"wait\": \"1m\"}, ...]}." },
        { """{"chain":[{"wait":"-1s"}]}""", "1:19: chain[0].wait: \"-1s\" must not be negative", DurationText.Grammar },
        { """{"chain":[{"batch":{"items":[{"chain":{"steps":[{"task":"echo","retries":"3"}]}}]}}]}""",
            "1:74: chain[0].batch.items[0].chain.steps[0].retries: must be a whole number, is the text \"3\"", "" },

        // Arguments.
        { """{"batch":{"items":[{"task":"echo","args":{"ü":1,"b":[{"c":1,"c":2}]}}]}}""", "1:61: batch.items[0].args: the field \"c\" is given twice", "" },
        { """{"batch":{"items":[{"task":"echo","args":{"a":"\u0000"}}]}}""", "1:47: batch.items[0].args: holds a NUL character", "" },
        { """{"batch":{"items":[{"task":"echo","args":"\ud800"}]}}""",
            "1:42: batch.items[0].args: is not valid Unicode text: it holds half of a surrogate pair", "" },
        { """{"batch":{"items":[{"task":"echo","args":01}]}}""", "1:43: batch.items[0].args: bad JSON: Invalid leading zero before '1'.", "" },
        { """{"batch":{"items":[{"task":"echo","args":NaN}]}}""", "1:42: batch.items[0].args: bad JSON: 'N' is an invalid start of a value.", "" },
    };

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
        Assert.StartsWith($"job.json:1:{32 * open.Length + open.IndexOf(':', StringComparison.Ordinal) + 2}:", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{\"a\":", "}")]
    public void Arguments_nested_ten_thousand_deep_are_refused_at_level_65(string open, string close)
    {
        string args = string.Concat(Enumerable.Repeat(open, 10_000)) + "1" + string.Concat(Enumerable.Repeat(close, 10_000));
        CliException fault = Refusal(Encoding.UTF8.GetBytes($$$"""{"batch":{"items":[{"task":"echo","args":{{{args}}}}]}}"""));
        Assert.EndsWith(": batch.items[0].args: is nested deeper than 64 levels", fault.Message, StringComparison.Ordinal);
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

    private static CliException Refusal(byte[] text) => Assert.Throws<CliException>(() => ReadAll(new MemoryStream(text)));

    private static void ReadAll(Stream stream)
    {
        foreach (Item _ in new JobFileReader(stream, "job.json", s_handlers).ReadItems()) { }
    }
}
