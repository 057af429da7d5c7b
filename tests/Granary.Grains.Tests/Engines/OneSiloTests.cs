using Granary.Conformance.Engines;
using Granary.Stores;

namespace Granary.Grains.Tests.Engines;

/// <summary>The cluster keeps every promise on one silo, called from inside it.</summary>
public static class OneSiloTests
{
    public sealed class SubmittingTests() : Submitting(new Fixture());

    public sealed class KeysTests() : Keys(new Fixture());

    public sealed class OpenBatchesTests() : OpenBatches(new Fixture());

    public sealed class BadInputTests() : BadInput(new Fixture());

    public sealed class RunningTests() : Running(new Fixture());

    public sealed class OrderingTests() : Ordering(new Fixture());

    public sealed class RetryingTests() : Retrying(new Fixture());

    public sealed class DeadlinesTests() : Deadlines(new Fixture());

    public sealed class SurvivingTests() : Surviving(new Fixture());

    public sealed class HostileHandlersTests() : HostileHandlers(new Fixture());

    public sealed class ChainingTests() : Chaining(new Fixture());

    public sealed class NestingTests() : Nesting(new Fixture());

    public sealed class GatheringTests() : Gathering(new Fixture());

    public sealed class StreamingTests() : Streaming(new Fixture());

    public sealed class WaitingTests() : Waiting(new Fixture());

    public sealed class WatchingTests() : Watching(new Fixture());

    public sealed class CancelingTests() : Canceling(new Fixture());

    public sealed class PoolsTests() : Pools(new Fixture());

    public sealed class RetryingFailedTests() : RetryingFailed(new Fixture());

    public sealed class RetentionTests() : Retention(new Fixture());

    private sealed class Fixture() : ClusterFixture(silos: 1, fromOutside: false)
    {
        private readonly MemoryJobStore _store = new();

        protected override Task<IJobStore> OpenAsync(CancellationToken cancellation) =>
            Task.FromResult<IJobStore>(new BorrowedStore(_store));
    }
}
