global using Granary.Engines;
global using Xunit;
