using Granary.Engines;
using Granary.Stores;
using Xunit;

namespace Granary.Core.Tests.Engines;

public sealed class JobListingTests
{
    [Fact]
    public void A_full_page_names_where_the_next_begins()
    {
        Assert.Equal(new JobId(3), JobListing.ToPage(Query(before: 9), Jobs(8, 3)).Next);
        Assert.Null(JobListing.ToPage(Query(before: 9), Jobs(8)).Next);
        Assert.Null(JobListing.ToPage(Query(before: null), []).Next);
    }

    [Theory]
    [InlineData(null, 3, 8)]
    [InlineData(null, 8, 8)]
    [InlineData(8, 8, 3)]
    public void Jobs_out_of_order_are_refused(int? before, params int[] jobs)
    {
        StoreException refused = Assert.Throws<StoreException>(() => JobListing.ToPage(Query(before), Jobs(jobs)));
        Assert.Equal(StoreFault.Corrupt, refused.Fault);
    }

    private static JobQuery Query(int? before) =>
        new() { Before = before is { } id ? new JobId(id) : null, Max = 2 };

    private static JobStatus[] Jobs(params int[] ids) => [.. ids.Select(id => new JobStatus
    {
        Id = new JobId(id),
        Spec = new JobSpec { Kind = JobKind.Batch },
        State = JobState.Succeeded,
        Reason = Reason.None,
        Counts = default,
        ItemCount = 1,
        CompletionCount = 1,
        MaxConcurrency = 1,
        Paused = false,
        Open = false,
        SubmittedAt = DateTimeOffset.UnixEpoch,
    })];
}
