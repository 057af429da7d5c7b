using Granary.Conformance.Engines;
using Granary.Grains.Tests.Engines;
using Granary.Stores;

namespace Granary.Grains.Tests.Storage;

/// <summary>The cluster keeps its promises on three silos that write to one grain storage, each by a store of its
/// own.</summary>
public static class GrainStorageClusterTests
{
    public sealed class SubmittingTests() : Submitting(new Fixture());

    public sealed class KeysTests() : Keys(new Fixture());

    public sealed class SurvivingTests() : Surviving(new Fixture());

    public sealed class ChainingTests() : Chaining(new Fixture());

    public sealed class CancelingTests() : Canceling(new Fixture());

    public sealed class RetentionTests() : Retention(new Fixture());

    private sealed class Fixture() : ClusterFixture(silos: 3, fromOutside: true)
    {
        private readonly string _name = StorageSilo.NewName();

        protected override async Task<IJobStore> OpenAsync(CancellationToken cancellation) =>
            new GrainStorageJobStore(await StorageSilo.MemoryAsync(), _name, Time);
    }
}
