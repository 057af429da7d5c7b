// Much of a test on silos is waiting for leases to run out: more of them at once than there are cores.
[assembly: Xunit.CollectionBehavior(MaxParallelThreads = 4)]
