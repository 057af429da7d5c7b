using Granary.Conformance.Engines;
using Granary.Embedded.Sqlite;
using Granary.Stores;

namespace Granary.Embedded.Tests.Engines;

/// <summary>The embedded engine keeps every promise on a SQLite file.</summary>
public static class SqliteEngineTests
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

    private sealed class Fixture : EmbeddedFixture
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("granary-engine");

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            _directory.Delete(recursive: true);
        }

        protected override async Task<IJobStore> OpenAsync() => await SqliteJobStore.OpenAsync(
            new SqliteStoreOptions { Path = Path.Combine(_directory.FullName, "jobs.db"), Time = Time },
            CancellationToken.None);

        protected override ValueTask CloseAsync(IJobStore store) => store.DisposeAsync();
    }
}
