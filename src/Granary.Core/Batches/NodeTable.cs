using System.Runtime.CompilerServices;

namespace Granary.Batches;

/// <summary>What a node is.</summary>
internal enum NodeKind : byte
{
    Task = 1,
    Wait = 2,
    Chain = 3,
    Batch = 4,
}

/// <summary>Everything a machine keeps of one node: 24 bytes. Arguments and results stay in the store.</summary>
internal struct Node
{
    public NodeKind Kind;
    public JobState State;
    public Reason Reason;

    /// <summary>Stands in its pool's ready queue.</summary>
    public bool IsReady;

    /// <summary>
    /// A task's profile, a wait's duration, or a chain's or batch's container: an index into the tree's list of
    /// these.
    /// </summary>
    public int Ref;

    /// <summary>The container around it, as an index; −1 for the job itself.</summary>
    public int Parent;

    /// <summary>Its position among its siblings.</summary>
    public int Index;

    /// <summary>The number of its completion among all of the job's, from 1; 0 while there is none.</summary>
    public int Ordinal;

    /// <summary>Attempts started.</summary>
    public ushort Attempts;

    public readonly bool IsLeaf => Kind <= NodeKind.Wait;
}

/// <summary>
/// The nodes of one job, numbered in preorder. Grows by chunks, so that growing copies nothing and nothing moves.
/// </summary>
internal sealed class NodeTable
{
    private const int ChunkBits = 12;
    private const int ChunkSize = 1 << ChunkBits;

    private Node[][] _chunks = [new Node[16]];

    public int Count { get; private set; }

    public ref Node this[int node]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _chunks[node >> ChunkBits][node & (ChunkSize - 1)];
    }

    public ref Node Add()
    {
        int chunk = Count >> ChunkBits, offset = Count & (ChunkSize - 1);
        if (chunk == _chunks.Length) Array.Resize(ref _chunks, _chunks.Length * 2);
        Node[]? nodes = _chunks[chunk];
        // Small jobs are many: their only chunk starts small.
        if (nodes is null) _chunks[chunk] = new Node[ChunkSize];
        else if (offset == nodes.Length) Array.Resize(ref _chunks[chunk], Math.Min(ChunkSize, nodes.Length * 4));
        Count++;
        return ref _chunks[chunk][offset];
    }
}
