using Granary.Silo;

internal static class Program
{
    private static Task<int> Main(string[] args) => GranarySilo.RunAsync(args);
}
