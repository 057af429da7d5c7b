global using System.Diagnostics;
global using Granary.Conformance.Engines;
global using Granary.Embedded;
global using Granary.Engines;
global using Granary.Stores;
global using Xunit;

// Source and meter are one for the whole process: what other tests do at the same time would be heard.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
