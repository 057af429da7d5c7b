namespace Granary.Grains;

/// <inheritdoc cref="IChainGrain"/>
[GrainType("granary.chain"), ResourceOptimizedPlacement, CollectionAgeLimit(Minutes = 2)]
internal sealed class ChainGrain(SiloEngine silo) : JobGrain(silo), IChainGrain;
