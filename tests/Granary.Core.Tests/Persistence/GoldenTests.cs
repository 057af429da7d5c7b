using System.Text;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;
using Granary.Telemetry;
using Xunit;

namespace Granary.Core.Tests.Persistence;

/// <summary>
/// What is on disk stays readable. Each file under Golden holds one persisted blob of version 1 as hexadecimal text.
/// A changed form is a new version byte and new files beside the old ones; these files are then what "one version
/// back" is tested on. Set GRANARY_WRITE_GOLDEN=1 to write files that are not there yet.
/// </summary>
public sealed class GoldenTests
{
    private static readonly JobId Job = new(0x1234_5678_9ABC);
    private static readonly Instant Time = new(1_767_225_600_123_456);

    private static readonly JobHeader Header = new(Job, new JobSpec
    {
        Kind = JobKind.Batch,
        MaxConcurrency = 5,
        OnFailure = FailurePolicy.CancelPending,
        Deadline = TimeSpan.FromHours(3),
        Key = "the-key",
        Name = "a name",
        Delay = TimeSpan.FromSeconds(9),
        Retention = TimeSpan.FromDays(7),
        SealTimeout = TimeSpan.FromMinutes(2),
        Defaults = new TaskOptions
        {
            Retries = 3,
            Backoff = TimeSpan.FromMilliseconds(250),
            Timeout = TimeSpan.FromSeconds(30),
        },
    }, Time)
    {
        Trace = new TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=value"),
    };

    private static readonly JobSummary Summary = new()
    {
        State = JobState.Running,
        Reason = Reason.Paused,
        Counts = new JobCounts(1, 2, 3, 4, 5, 6, 700),
        ItemCount = 721,
        CompletionCount = 711,
        MaxConcurrency = 5,
        Paused = true,
        Open = true,
        FinishedAt = null,
        PageCount = 8,
        RecordCount = 9,
    };

    private static readonly Item[] Items =
    [
        Item.Task("first", new { id = 1 }),
        Item.Task("first", new { id = 2 }),
        Item.Chain(
            Item.Task("second", new TaskOptions { Retries = 1, Deadline = TimeSpan.FromDays(1), MaxInterruptions = 9 }),
            Item.Wait(TimeSpan.FromMinutes(1)),
            new BatchItem([Item.Task("third", "x")]) { MaxConcurrency = 7, Deadline = TimeSpan.FromHours(1) }),
    ];

    private static readonly TaskError Error =
        new() { Type = "Broken", Message = "It broke.", Detail = "at line 1", Data = "{}"u8.ToArray() };

    private static JobEvent[] Events =>
    [
        At(EventKind.Submitted) with { Pages = (0, 2) },
        At(EventKind.Begun),
        At(EventKind.Started, 1) with { Node = 1, Number = 1 },
        At(EventKind.Completed, 2) with
        {
            Node = 1, State = JobState.Succeeded, Reason = Reason.None, Number = 1,
            Span = TimeSpan.FromMilliseconds(12.345), Item = 0,
            Source = new ValueRef(ValueKind.Inline), Value = "{\"ok\":true}"u8.ToArray(), Text = "here",
        },
        At(EventKind.Completed, 3) with
        {
            Node = 4, State = JobState.Failed, Reason = Reason.TimedOut, Number = 3, Span = TimeSpan.Zero, Item = -1,
            Source = ValueRef.None, Error = Error, Text = "elsewhere",
        },
        At(EventKind.Completed, 3) with
        {
            Node = 3, State = JobState.Failed, Reason = Reason.TimedOut, Number = 1, Span = TimeSpan.Zero, Item = 2,
            Source = new ValueRef(ValueKind.Earlier, 2), Text = "",
        },
        At(EventKind.EndedRange, 4) with
        {
            Node = 7,
            Number = 90_000,
            State = JobState.Canceled,
            Reason = Reason.BeforeStart,
            Item = 3,
        },
        At(EventKind.Retrying, 5) with
        {
            Node = 2, Number = 1, Reason = Reason.None, Span = TimeSpan.FromSeconds(1), Error = Error,
            Text = "Broken: It broke.",
        },
        At(EventKind.Released, 6) with { Node = 2 },
        At(EventKind.Parked, 7) with { Node = 2, Span = TimeSpan.FromHours(1) },
        At(EventKind.Recovered, 8),
        At(EventKind.CancelRequested, 9) with { Scope = CancelScope.All },
        At(EventKind.Expired, 10) with { Node = 3 },
        At(EventKind.Resized, 11) with { Number = 20 },
        At(EventKind.Paused, 12),
        At(EventKind.Resumed, 13),
        At(EventKind.Appended, 14) with
        {
            Pages = (2, 1),
            Item = 3,
            Number = 5,
            Text = "key",
            ContentHash = 0xDEADBEEF,
        },
        At(EventKind.Sealed, 15) with { Reason = Reason.SealTimedOut },
        At(EventKind.RetryRequested, 16),
        At(EventKind.Unparked, 17),
        At(EventKind.Lost, 18) with { Node = 2 },
    ];

    [Fact]
    public void A_header() =>
        Golden("header", JobCodec.Write(Header), blob => Assert.Equal(Header, JobCodec.ReadHeader(Job, blob)));

    [Fact]
    public void A_summary() =>
        Golden("summary", JobCodec.Write(Job, Summary), blob => Assert.Equal(Summary, JobCodec.ReadSummary(Job, blob)));

    [Fact]
    public void A_page()
    {
        var writer = new PageWriter(Header, 0, 1, _ => true, 1000);
        for (int i = 0; i < Items.Length; i++) writer.Add(Items[i], i);
        StoredPage page = Assert.Single(writer.Finish());
        Golden("shape", page.Shape, blob =>
        {
            var shape = new ShapeText();
            Assert.Equal(1, PageReader.ReadShape(Job, page with { Shape = blob }, shape));
            Assert.Equal("first*2 (second*1 wait00:01:00 [7Continue01:00:00 third*1 ]) ", shape.ToString());
        });
        Golden("args", page.Args, blob => Assert.Equal(
            ["{\"id\":1}", "{\"id\":2}", "", "", "", "", "\"x\""],
            PageReader.ReadArgs(Job, page with { Args = blob }).Select(args => Encoding.UTF8.GetString(args.Span))));
    }

    [Fact]
    public void A_record()
    {
        var writer = new RecordWriter(Job, "here");
        writer.Begin(new RecordStart(3, 17, 15));
        foreach (JobEvent e in Events) writer.Add(e);
        StoredRecord record = writer.Take();
        Golden("events", record.Events, events => Golden("values", record.Values, values =>
        {
            var reader = new RecordReader(Job, new StoredRecord(3, events, values));
            Assert.Equal(new RecordStart(3, 17, 15), reader.Start);
            foreach (JobEvent expected in Events)
            {
                Assert.True(reader.Next(out JobEvent e));
                Assert.Equal(Text(expected), Text(e));
            }
            Assert.False(reader.Next(out _));
        }));
    }

    [Fact]
    public void Every_kind_of_event_is_in_the_golden_record() =>
        Assert.Equal(Enum.GetValues<EventKind>(), Events.Select(e => e.Kind).Distinct().Order());

    [Theory]
    [InlineData("header")]
    [InlineData("summary")]
    [InlineData("shape")]
    [InlineData("args")]
    [InlineData("events")]
    [InlineData("values")]
    public void Every_single_bit_that_flips_is_noticed(string name)
    {
        byte[] blob = Convert.FromHexString(File.ReadAllText(PathOf(name)).ReplaceLineEndings(""));
        int number = name is "events" or "values" ? 3 : 0;
        var kind = Enum.Parse<BlobKind>(name, ignoreCase: true);
        Blob.Open(blob, kind, Job, number);
        for (int bit = 0; bit < blob.Length * 8; bit++)
        {
            blob[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<StoreException>(() => Blob.Open(blob, kind, Job, number));
            blob[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.Throws<StoreException>(() => Blob.Open(blob, kind, Job, number + 1));
        Assert.Throws<StoreException>(() => Blob.Open(blob, kind, new JobId(7), number));
    }

    [Fact]
    public void A_record_without_its_values_is_damaged()
    {
        var writer = new RecordWriter(Job, "here");
        writer.Begin(new RecordStart(3, 17, 15));
        writer.Add(At(EventKind.Begun));
        StoredRecord record = writer.Take();
        DecodedRecord.From(Job, record);
        StoredRecord lost = record with { Values = default };
        Assert.Equal(StoreFault.Corrupt, Assert.Throws<StoreException>(() => DecodedRecord.From(Job, lost)).Fault);
    }

    private static JobEvent At(EventKind kind, int seconds = 0) => new()
    {
        Kind = kind, At = Time + TimeSpan.FromSeconds(seconds), Item = -1, Text = "", Source = ValueRef.None,
    };

    private static string Text(in JobEvent e) =>
        $"{e with { Value = default, Error = null }} {Encoding.UTF8.GetString(e.Value.Span)} "
        + $"{e.Error} {e.Error?.Detail} {e.Error?.Data.Length}";

    private static void Golden(string name, ReadOnlyMemory<byte> written, Action<ReadOnlyMemory<byte>> read)
    {
        IEnumerable<string> lines = Convert.ToHexString(written.Span).Chunk(64).Select(line => new string(line));
        string text = string.Join('\n', lines) + "\n";
        string path = PathOf(name);
        if (!File.Exists(path) && Environment.GetEnvironmentVariable("GRANARY_WRITE_GOLDEN") == "1")
            File.WriteAllText(path, text);
        string golden = File.ReadAllText(path);
        read(Convert.FromHexString(golden.ReplaceLineEndings("")));
        Assert.Equal(golden, text);
    }

    // Beside the source, not beside the compiled test, so that a new file is written where it is kept.
    private static string PathOf(string name)
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Orleans.sln"))) root = Path.GetDirectoryName(root)!;
        return Path.Combine(root, "tests", "Granary.Core.Tests", "Persistence", "Golden", $"{name}.v1.hex");
    }

    private sealed class ShapeText : IShapeVisitor
    {
        private readonly StringBuilder _text = new();

        public void Tasks(TaskProfile profile, int count) => _text.Append($"{profile.Handler}*{count} ");

        public void Wait(TimeSpan duration) => _text.Append($"wait{duration} ");

        public void BeginChain(TimeSpan? deadline) => _text.Append($"({deadline}");

        public void BeginBatch(int maxConcurrency, FailurePolicy onFailure, TimeSpan? deadline) =>
            _text.Append($"[{maxConcurrency}{onFailure}{deadline} ");

        public void End() =>
            _text.Append(_text.ToString().LastIndexOf('[') > _text.ToString().LastIndexOf(']') ? "]" : ") ");

        public override string ToString() => _text.ToString();
    }
}
