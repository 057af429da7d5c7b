using System.Text;

namespace Granary.Cli.Tests;

/// <summary>What good job files mean.</summary>
public sealed class JobFileTests
{
    private static readonly string[] s_handlers = ["exec", "http", "echo", "sleep"];

    [Fact]
    public void The_example_of_the_documentation_is_read_as_it_says()
    {
        (JobSpec spec, Item[] items) = Read(
            """
            {"batch":{"maxConcurrency":5,"onFailure":"continue","items":[
              {"task":"http","args":{"url":"http://localhost/a"},"retries":3},
              {"chain":[{"task":"echo","args":{"text":"a"}},{"wait":"1m"},{"task":"echo"}]}]}}
            """);
        Assert.Equal((JobKind.Batch, 5, FailurePolicy.Continue), (spec.Kind, spec.MaxConcurrency, spec.OnFailure));
        var task = Assert.IsType<TaskItem>(items[0]);
        Assert.Equal(("http", """{"url":"http://localhost/a"}""", 3), (task.Handler, Text(task), task.Options.Retries));
        var chain = Assert.IsType<ChainItem>(items[1]);
        Assert.Equal(TimeSpan.FromMinutes(1), Assert.IsType<WaitItem>(chain.Steps[1]).Duration);
        Assert.True(Assert.IsType<TaskItem>(chain.Steps[2]).Args.IsEmpty);
    }

    [Fact]
    public void Every_field_reaches_the_job()
    {
        (JobSpec spec, Item[] items) = Read(
            """
            {"batch":{"items":[
               {"batch":{"items":[{"chain":{"steps":[],"timeout":"none","deadline":"1h"}}],"maxConcurrency":7,
                         "onFailure":"cancelPending","cancelGrace":"3s"}},
               {"retries":1,"backoff":"10ms","maxBackoff":"1s","timeout":"2s","deadline":"3s","cancelGrace":"4s",
                "maxInterruptions":9,"args":null,"task":"echo"}],
              "maxConcurrency":3,"onFailure":"cancelPending","deadline":"2h","retries":4,"backoff":"1.5s",
              "maxBackoff":"2m","timeout":"30s","cancelGrace":"0s","maxInterruptions":8,"name":"a \u00fc title",
              "key":"k","delay":"1d","retention":"14d"},
             "$schema":"job.schema.json"}
            """);
        var expected = new JobSpec
        {
            Kind = JobKind.Batch,
            MaxConcurrency = 3,
            OnFailure = FailurePolicy.CancelPending,
            Deadline = TimeSpan.FromHours(2),
            Defaults = new TaskOptions
            {
                Retries = 4,
                Backoff = TimeSpan.FromSeconds(1.5),
                MaxBackoff = TimeSpan.FromMinutes(2),
                Timeout = TimeSpan.FromSeconds(30),
                CancelGrace = TimeSpan.Zero,
                MaxInterruptions = 8,
            },
            Name = "a ü title",
            Key = "k",
            Delay = TimeSpan.FromDays(1),
            Retention = TimeSpan.FromDays(14),
        };
        Assert.Equal(expected, spec);
        var batch = Assert.IsType<BatchItem>(items[0]);
        Assert.Equal((7, FailurePolicy.CancelPending), (batch.MaxConcurrency, batch.OnFailure));
        var chain = Assert.IsType<ChainItem>(batch.Items[0]);
        Assert.Equal((Timeout.InfiniteTimeSpan, TimeSpan.FromHours(1)), (chain.Defaults.Timeout, chain.Deadline));
        var task = Assert.IsType<TaskItem>(items[1]);
        Assert.Equal("null", Text(task));
        Assert.Equal((1, 9, TimeSpan.FromSeconds(2)),
            (task.Options.Retries, task.Options.MaxInterruptions, task.Options.Timeout));
    }

    [Fact]
    public void Arguments_lose_their_white_space_and_nothing_else()
    {
        (_, Item[] items) = Read(
            "{\"batch\":{\"items\":[{\"task\":\"echo\"," +
            "\"args\": {\n \"a b\" : [ 1.50 , 1e400, \"x \\\" y\", \"\u009b\" ] } }]}}");
        Assert.Equal("{\"a b\":[1.50,1e400,\"x \\\" y\",\"\\u009b\"]}", Text((TaskItem)items[0]));
    }

    [Fact]
    public void A_byte_order_mark_is_skipped()
    {
        byte[] file = [0xEF, 0xBB, 0xBF, .. """{"chain":[{"task":"echo"}]}"""u8];
        var reader = new JobFileReader(new MemoryStream(file), "job.json", s_handlers);
        Assert.Single(reader.ReadItems().ToArray());
        Assert.Equal(JobKind.Chain, reader.Spec.Kind);
    }

    [Fact]
    public void Nesting_of_32_levels_is_read()
    {
        string text =
            string.Concat(Enumerable.Repeat("""{"batch":{"items":[""", 32))
            + string.Concat(Enumerable.Repeat("]}}", 32));
        Assert.Single(Read(text).Items);
    }

    [Fact]
    public void Items_come_while_the_file_is_read()
    {
        const string Line = "{\"task\":\"echo\",\"args\":{\"text\":\"abc\"}},\n";
        var file = new Repeated("{\"batch\":{\"items\":[", Line, "{\"task\":\"echo\"}]}}", 200_000);
        var reader = new JobFileReader(file, "job.json", s_handlers);
        int count = 0;
        long ahead = 0;
        foreach (Item _ in reader.ReadItems()) ahead = Math.Max(ahead, file.Given - ++count * Line.Length);
        Assert.Equal(200_001, count);
        Assert.InRange(ahead, 0, 200_000);
    }

    private static (JobSpec Spec, Item[] Items) Read(string text)
    {
        var reader = new JobFileReader(new Trickle(Encoding.UTF8.GetBytes(text)), "job.json", s_handlers);
        Item[] items = reader.ReadItems().ToArray();
        return (reader.Spec, items);
    }

    private static string Text(TaskItem task) => Encoding.UTF8.GetString(task.Args.Span);

    /// <summary>A text repeated between a beginning and an end, made while it is read.</summary>
    private sealed class Repeated(string beginning, string middle, string end, int times) : MemoryStream
    {
        private int _part = -1;
        private byte[] _bytes = Encoding.UTF8.GetBytes(beginning);
        private int _at;

        public long Given { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            if (_at == _bytes.Length && _part < times)
            {
                _bytes = Encoding.UTF8.GetBytes(++_part < times ? middle : end);
                _at = 0;
            }
            int count = Math.Min(buffer.Length, _bytes.Length - _at);
            _bytes.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            Given += count;
            return count;
        }
    }
}
