using Granary.Stores;

namespace Granary.Persistence;

/// <summary>Receives a page's shape token by token, in preorder.</summary>
internal interface IShapeVisitor
{
    void Tasks(TaskProfile profile, int count);
    void Wait(TimeSpan duration);
    void BeginChain(TimeSpan? deadline);
    void BeginBatch(int maxConcurrency, FailurePolicy onFailure, TimeSpan? deadline);
    void End();
}

/// <summary>Reads pages back.</summary>
internal static class PageReader
{
    /// <returns>The number of the page's first node.</returns>
    public static int ReadShape(JobId job, StoredPage page, IShapeVisitor visitor)
    {
        var r = new ByteReader(Blob.Open(page.Shape, BlobKind.Shape, job, page.Number).Span);
        int firstNode = r.Count();
        var profiles = new List<TaskProfile>();
        while (!r.AtEnd)
        {
            switch (r.Enum<ShapeToken>())
            {
                case ShapeToken.Profile:
                    profiles.Add(JobCodec.ReadProfile(ref r));
                    break;
                case ShapeToken.Tasks:
                    int profile = r.Count();
                    if (profile >= profiles.Count) throw ByteReader.Damaged();
                    visitor.Tasks(profiles[profile], r.Count());
                    break;
                case ShapeToken.Wait:
                    visitor.Wait(r.Time() ?? throw ByteReader.Damaged());
                    break;
                case ShapeToken.Chain:
                    visitor.BeginChain(r.Time());
                    break;
                case ShapeToken.Batch:
                    visitor.BeginBatch(r.Count(), r.Enum<FailurePolicy>(), r.Time());
                    break;
                case ShapeToken.End:
                    visitor.End();
                    break;
            }
        }
        return firstNode;
    }

    /// <summary>The arguments of each node of a page, in order; empty for nodes without.</summary>
    public static ReadOnlyMemory<byte>[] ReadArgs(JobId job, StoredPage page)
    {
        ReadOnlyMemory<byte> content = Blob.Open(page.Args, BlobKind.Args, job, page.Number);
        var args = new ReadOnlyMemory<byte>[CountArgs(content.Span)];
        var r = new ByteReader(content.Span);
        for (int i = 0; i < args.Length; i++)
        {
            int length = r.Count() - 1;
            if (length < 0) continue;
            r.Raw(length);
            args[i] = content.Slice(r.Position - length, length);
        }
        return args;
    }

    private static int CountArgs(ReadOnlySpan<byte> content)
    {
        var r = new ByteReader(content);
        int count = 0;
        for (; !r.AtEnd; count++) r.Raw(Math.Max(0, r.Count() - 1));
        return count;
    }
}
