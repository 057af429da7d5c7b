using Granary.Persistence;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>A state that no row counts yet.</summary>
internal readonly record struct NewState(string Key, ByteWriter Content);

/// <summary>
/// What a row counts: pages, full segments of records, and the large blobs of both in pieces. They are written before
/// the row and never changed after it.
/// </summary>
internal sealed class JobParts(StateStorage storage)
{
    /// <summary>Records of one segment.</summary>
    public const int RecordsPerSegment = 16;

    /// <summary>A blob of a record of at most so many bytes is kept in the row: so a row, which is rewritten with
    /// each commit, has at most some 16 KiB of records.</summary>
    public const int MaxInlineRecord = 512;

    /// <summary>Arguments of a page of at most so many bytes are in its own state.</summary>
    private const int MaxInlineArgs = 4_096;

    /// <summary>The shape of a page is read with it, unless it is larger than this.</summary>
    private const int MaxInlineShape = 64 << 10;

    /// <summary>The largest piece of a blob: well within what the providers with limits take.</summary>
    private const int PieceSize = 128 << 10;

    private const char Page = 'p', Shape = 'h', Args = 'a', Segment = 's', Events = 'e', Values = 'v';

    /// <summary>The states of a page.</summary>
    public static IEnumerable<NewState> Of(JobId job, StoredPage page)
    {
        Part shape = Part.Of(page.Shape, MaxInlineShape), args = Part.Of(page.Args, MaxInlineArgs);
        var writer = new ByteWriter(page.Shape.Length + 64);
        shape.Write(writer);
        args.Write(writer);
        return Pieces(job, Shape, page.Number, shape, page.Shape)
            .Concat(Pieces(job, Args, page.Number, args, page.Args))
            .Append(new NewState(Key(job, Page, page.Number), writer));
    }

    /// <summary>The states of a record, beside what the row or segment holds of it.</summary>
    public static IEnumerable<NewState> Of(JobId job, StoredRecord record, RecordParts parts) =>
        Pieces(job, Events, record.Number, parts.Events, record.Events)
            .Concat(Pieces(job, Values, record.Number, parts.Values, record.Values));

    /// <summary>The state of a full segment.</summary>
    public static NewState OfSegment(JobId job, int segment, IReadOnlyList<RecordParts> records)
    {
        var writer = new ByteWriter(1_024);
        JobRow.WriteRecords(writer, records);
        return new NewState(Key(job, Segment, segment), writer);
    }

    /// <summary>
    /// Writes a state that no row counts. What an interrupted write, or one that lost its job, has left there is
    /// overwritten, but only if the row was the writer's own after that was read: then nobody else counts it.
    /// </summary>
    /// <returns>Whether it is there; otherwise the row has changed.</returns>
    public async Task<bool> TryWriteAsync(NewState state, Func<Task<bool>> isRowUnchanged)
    {
        for (int attempt = 0; ; attempt++)
        {
            (bool isWritten, _) = await storage.TryWriteAsync(state.Key, state.Content, null);
            if (isWritten) return true;
            StoredState left = await storage.ReadAsync(state.Key);
            if (left.Content is { } content && content.Span.SequenceEqual(state.Content.Written)) return true;
            if (!await isRowUnchanged()) return false;
            if (left.ETag is not null)
            {
                (isWritten, _) = await storage.TryWriteAsync(state.Key, state.Content, left.ETag);
                if (isWritten) return true;
            }
            await StateStorage.PauseAsync(attempt, state.Key);
        }
    }

    public async Task<StoredPage> ReadPageAsync(JobId job, int number, bool withArgs)
    {
        (Part shape, Part args) = await ReadPagePartsAsync(job, number);
        return new StoredPage(
            number,
            await ReadAsync(job, Shape, number, shape),
            withArgs ? await ReadAsync(job, Args, number, args) : default);
    }

    public async Task<RecordParts[]> ReadSegmentAsync(JobId job, int segment)
    {
        string key = Key(job, Segment, segment);
        StoredState state = await storage.ReadAsync(key);
        return Read((state.Content ?? throw Lost(key)).Span);

        static RecordParts[] Read(ReadOnlySpan<byte> content)
        {
            var reader = new ByteReader(content);
            return JobRow.ReadRecords(ref reader);
        }
    }

    public async Task<StoredRecord> ReadRecordAsync(JobId job, int number, RecordParts parts, bool withValues) => new(
        number,
        await ReadAsync(job, Events, number, parts.Events),
        withValues ? await ReadAsync(job, Values, number, parts.Values) : default);

    public async Task ClearPageAsync(JobId job, int number)
    {
        string key = Key(job, Page, number);
        if ((await storage.ReadAsync(key)).Content is null) return;
        (Part shape, Part args) = await ReadPagePartsAsync(job, number);
        await ClearPiecesAsync(job, Shape, number, shape);
        await ClearPiecesAsync(job, Args, number, args);
        await storage.ClearAsync(key);
    }

    public async Task ClearSegmentAsync(JobId job, int segment)
    {
        string key = Key(job, Segment, segment);
        if ((await storage.ReadAsync(key)).Content is null) return;
        await ClearRecordsAsync(job, segment * RecordsPerSegment, await ReadSegmentAsync(job, segment));
        await storage.ClearAsync(key);
    }

    public async Task ClearRecordsAsync(JobId job, int from, IReadOnlyList<RecordParts> records)
    {
        for (int i = 0; i < records.Count; i++)
        {
            await ClearPiecesAsync(job, Events, from + i, records[i].Events);
            await ClearPiecesAsync(job, Values, from + i, records[i].Values);
        }
    }

    private async Task<(Part Shape, Part Args)> ReadPagePartsAsync(JobId job, int number)
    {
        string key = Key(job, Page, number);
        StoredState state = await storage.ReadAsync(key);
        return Read((state.Content ?? throw Lost(key)).Span);

        static (Part, Part) Read(ReadOnlySpan<byte> content)
        {
            var reader = new ByteReader(content);
            return (Part.Read(ref reader), Part.Read(ref reader));
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadAsync(JobId job, char kind, int number, Part part)
    {
        if (part.Inline is { } bytes) return bytes;
        byte[] whole = new byte[part.Length];
        await Task.WhenAll(Enumerable.Range(0, PiecesOf(part)).Select(async piece =>
        {
            string key = Key(job, kind, number, piece);
            ReadOnlyMemory<byte> content = (await storage.ReadAsync(key)).Content ?? throw Lost(key);
            if (content.Length != Math.Min(PieceSize, whole.Length - (piece * PieceSize))) throw Lost(key);
            content.CopyTo(whole.AsMemory(piece * PieceSize));
        }));
        return whole;
    }

    private async Task ClearPiecesAsync(JobId job, char kind, int number, Part part)
    {
        for (int piece = 0; piece < PiecesOf(part); piece++) await storage.ClearAsync(Key(job, kind, number, piece));
    }

    private static IEnumerable<NewState> Pieces(
        JobId job, char kind, int number, Part part, ReadOnlyMemory<byte> bytes)
    {
        for (int piece = 0; piece < PiecesOf(part); piece++)
        {
            int from = piece * PieceSize, length = Math.Min(PieceSize, bytes.Length - from);
            var writer = new ByteWriter(length);
            writer.Raw(bytes.Span.Slice(from, length));
            yield return new NewState(Key(job, kind, number, piece), writer);
        }
    }

    private static int PiecesOf(Part part) =>
        part.Inline is null ? (part.Length + PieceSize - 1) / PieceSize : 0;

    private static string Key(JobId job, char kind, int number, int piece) =>
        FormattableString.Invariant($"{JobRows.Key(job)}-{kind}{number}-{piece}");

    private static string Key(JobId job, char kind, int number) =>
        FormattableString.Invariant($"{JobRows.Key(job)}-{kind}{number}");

    private static StoreException Lost(string key) => new(
        StoreFault.Corrupt, $"The state {key} is not as its job's row says. Restore the storage from a backup.");
}
