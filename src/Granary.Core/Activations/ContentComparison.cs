using System.Text;
using Granary.Engines;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Activations;

/// <summary>
/// Compares a submission with the job that has its key, page by page: the same, or refused with what differs.
/// </summary>
internal sealed class ContentComparison(IJobStore store, JobReader existing, int firstPage = 0)
{
    private readonly JobId _job = existing.State.Header.Id;
    private readonly int _pageCount = existing.State.SubmittedPages;
    private int _page = firstPage;

    /// <returns>The header to write the pages under: there the same items give the same bytes.</returns>
    /// <exception cref="RefusedException">A setting differs.</exception>
    public JobHeader CheckSpec(JobSpec spec)
    {
        JobHeader header = existing.State.Header with { Spec = spec };
        CheckSpec(existing.State.Header.Spec, JobCodec.ReadHeader(_job, JobCodec.Write(header)).Spec);
        return header;
    }

    /// <summary>After the last page.</summary>
    /// <exception cref="RefusedException">The job has more.</exception>
    public void CheckEnd(int itemCount)
    {
        if (_page < _pageCount) throw Conflict($"it has {itemCount:N0} items, and had more");
    }

    private void CheckSpec(JobSpec was, JobSpec now)
    {
        CheckSetting("the kind", was.Kind, now.Kind);
        CheckSetting("maxConcurrency", was.MaxConcurrency, now.MaxConcurrency);
        CheckSetting("onFailure", was.OnFailure, now.OnFailure);
        CheckSetting("deadline", was.Deadline, now.Deadline);
        CheckSetting("name", was.Name, now.Name);
        CheckSetting("delay", was.Delay, now.Delay);
        CheckSetting("retention", was.Retention, now.Retention);
        CheckSetting("sealTimeout", was.SealTimeout, now.SealTimeout);
        CheckSetting("defaults", was.Defaults, now.Defaults);
    }

    private void CheckSetting<T>(string name, T was, T now)
    {
        if (!EqualityComparer<T>.Default.Equals(was, now))
            throw Conflict($"{name} is {now?.ToString() ?? "not set"}, and was {was?.ToString() ?? "not set"}");
    }

    /// <summary>The next page.</summary>
    /// <exception cref="RefusedException">It differs.</exception>
    public async Task CheckPageAsync(StoredPage now, CancellationToken cancellation)
    {
        if (_page >= _pageCount) throw Conflict($"it has more items; it had {existing.State.Root.ChildCount:N0}");
        IReadOnlyList<StoredPage> read = await store.ReadPagesAsync(_job, _page, 1, true, cancellation);
        if (read is not [var was]) throw Blob.Damaged(BlobKind.Shape, _job, _page, "is missing");
        _page++;
        if (was.Shape.Span.SequenceEqual(now.Shape.Span) && was.Args.Span.SequenceEqual(now.Args.Span)) return;
        throw Conflict(Difference(was, now));
    }

    private string Difference(StoredPage was, StoredPage now)
    {
        ReadOnlyMemory<byte>[] old = PageReader.ReadArgs(_job, was), given = PageReader.ReadArgs(_job, now);
        int first = existing.State.Tree.FirstNodeOf(was.Number);
        for (int i = 0; i < Math.Min(old.Length, given.Length); i++)
            if (!old[i].Span.SequenceEqual(given[i].Span))
            {
                string path = existing.State.Tree.PathOf(first + i);
                return $"the arguments of item {path} are {Excerpt(given[i])}, and were {Excerpt(old[i])}";
            }
        return old.Length != given.Length
            ? $"it has another number of items; it had {existing.State.Root.ChildCount:N0}"
            : $"items from {existing.State.Tree.PathOf(first)} on are of another kind or have other settings";
    }

    private static string Excerpt(ReadOnlyMemory<byte> json)
    {
        string text = json.IsEmpty ? "none" : Encoding.UTF8.GetString(json.Span);
        return text.Length <= 80 ? text : string.Concat(text.AsSpan(0, 80), "…");
    }

    private RefusedException Conflict(string what) => new(
        Refusal.KeyConflict,
        $"The key '{existing.State.Header.Spec.Key}' names job {_job} with other content: {what}. "
        + "Use another key, or submit the same content.");
}
