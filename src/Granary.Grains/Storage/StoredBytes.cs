namespace Granary.Grains;

/// <summary>What every state is to a storage provider: bytes in Granary's own form.</summary>
[GenerateSerializer, Alias("granary.state")]
internal sealed class StoredBytes
{
    /// <summary>Sealed by <see cref="StateStorage"/>.</summary>
    [Id(0)]
    public byte[] Bytes { get; set; } = [];
}
