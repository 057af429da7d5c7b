namespace Granary;

/// <summary>
/// An enumeration in memory as the stream that engines read. Written by hand because it is on the path of every task:
/// nothing is allocated or awaited per item.
/// </summary>
internal sealed class ItemStream<T>(IEnumerable<T> source, Func<T, Item> toItem) : IAsyncEnumerable<Item>
{
    public IAsyncEnumerator<Item> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        new Enumerator(source.GetEnumerator(), toItem, cancellationToken);

    private sealed class Enumerator(IEnumerator<T> source, Func<T, Item> toItem, CancellationToken cancellation)
        : IAsyncEnumerator<Item>
    {
        public Item Current { get; private set; } = null!;

        public ValueTask<bool> MoveNextAsync()
        {
            cancellation.ThrowIfCancellationRequested();
            if (!source.MoveNext()) return ValueTask.FromResult(false);
            Current = toItem(source.Current);
            return ValueTask.FromResult(true);
        }

        public ValueTask DisposeAsync()
        {
            source.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>Arguments of one handler, and items as they are, as item streams.</summary>
internal static class ItemStreams
{
    public static IAsyncEnumerable<Item> Of(IEnumerable<Item> items) =>
        new ItemStream<Item>(items, static item => item);

    public static IAsyncEnumerable<Item> Of<TArgs>(string handler, IEnumerable<TArgs> args) =>
        new ItemStream<TArgs>(args, value => Item.Task(handler, value));

    public static async IAsyncEnumerable<Item> Of<TArgs>(string handler, IAsyncEnumerable<TArgs> args)
    {
        await foreach (TArgs value in args) yield return Item.Task(handler, value);
    }
}
