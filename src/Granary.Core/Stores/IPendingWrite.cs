namespace Granary.Stores;

/// <summary>Something that has a write to commit. Called on the commit thread only, so every member must be short and
/// must not block.</summary>
internal interface IPendingWrite
{
    /// <summary>The write, made as late as possible so that all that has piled up goes into one record. Null: nothing
    /// after all.</summary>
    JobWrite? Take();

    /// <summary>The taken write is durable, or was refused.</summary>
    void Done(JobWrite write, WriteResult result);

    /// <summary>The taken write may or may not be durable, and no other will be accepted.</summary>
    void Failed(StoreException fault);
}
