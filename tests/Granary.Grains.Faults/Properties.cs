// The tests measure the machine: one at a time. Where there is no PostgreSQL all of them are skipped, and say why.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: TestFramework("Granary.Conformance.Stores.PostgresTestFramework", "Granary.Conformance")]
