using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Granary.House.Tests;

/// <summary>One C# file of the repository.</summary>
/// <param name="Path">From the root, with forward slashes.</param>
internal sealed record SourceFile(string Path, string Text)
{
    private readonly Lazy<SyntaxTree> _tree = new(() => CSharpSyntaxTree.ParseText(Text, path: Path));

    public string[] Lines { get; } = Text.Split('\n');

    public SyntaxTree Tree => _tree.Value;

    public SyntaxNode Root => Tree.GetRoot();

    public string At(SyntaxNode node) => $"{Path}:{node.GetLocation().GetLineSpan().StartLinePosition.Line + 1}";
}

/// <summary>The files of the repository, as the tests of the house read them.</summary>
internal static class Repository
{
    private static readonly string[] s_notOurs = ["bin", "obj", "artifacts", "TestResults", "node_modules", ".git"];

    private static readonly Lazy<IReadOnlyList<SourceFile>> s_sources =
        new(() => [.. Files("*.cs").Select(p => new SourceFile(p, Read(p)))]);

    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<SourceFile> Sources => s_sources.Value;

    /// <summary>Files that are written by people, from the root, with forward slashes, in order.</summary>
    public static IEnumerable<string> Files(string pattern) => Walk(Root, pattern)
        .Select(p => Path.GetRelativePath(Root, p).Replace('\\', '/')).Order(StringComparer.Ordinal);

    public static string Read(string path) => File.ReadAllText(Full(path));

    public static string Full(string path) => Path.Combine(Root, path);

    /// <summary>
    /// Whether an assembly was compiled to nothing, because the packages of Orleans cannot be had here.
    /// </summary>
    public static bool IsLeftOut(Assembly assembly) =>
        assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Any(a => a.Key == "LeftOut");

    /// <summary>Fails with the rule and every place that breaks it.</summary>
    public static void Check(string rule, IEnumerable<string> offenses)
    {
        string[] found = [.. offenses];
        if (found.Length > 0) Xunit.Assert.Fail($"{rule}\n  {string.Join("\n  ", found)}");
    }

    private static IEnumerable<string> Walk(string directory, string pattern)
    {
        foreach (string file in Directory.GetFiles(directory, pattern)) yield return file;
        foreach (string child in Directory.GetDirectories(directory))
        {
            if (s_notOurs.Contains(Path.GetFileName(child))) continue;
            foreach (string file in Walk(child, pattern)) yield return file;
        }
    }

    private static string FindRoot()
    {
        for (string? at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
            if (File.Exists(Path.Combine(at, "Orleans.sln"))) return at;
        throw new InvalidOperationException(
            "These tests run inside the repository: no Orleans.sln was found above them.");
    }
}
