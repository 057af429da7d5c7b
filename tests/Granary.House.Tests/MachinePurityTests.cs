using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Granary.House.Tests;

/// <summary>The machines decide and nothing else: the same commands and times give the same events.</summary>
public sealed class MachinePurityTests
{
    private const string Rule =
        "A machine takes a command and the time and answers with events: no clock, no new ids, no randomness, "
        + "no tasks, no I/O, no mutable statics.";

    private static readonly string[] s_folders =
        ["src/Granary.Core/Batches/", "src/Granary.Core/Chains/", "src/Granary.Core/Workers/"];

    private static readonly string[] s_namespaces =
        ["System.Threading", "System.Threading.Tasks", "System.IO", "System.Net", "System.Net.Http"];

    private static readonly string[] s_types =
        ["System.TimeProvider", "System.Diagnostics.Stopwatch", "System.Environment", "System.Random"];

    private static readonly string[] s_members =
    [
        "System.DateTime.Now", "System.DateTime.UtcNow", "System.DateTime.Today", "System.DateTimeOffset.Now",
        "System.DateTimeOffset.UtcNow", "System.Guid.NewGuid", "System.Guid.CreateVersion7",
    ];

    [Fact]
    public void Machines_use_no_clock_no_randomness_no_tasks_and_no_io()
    {
        CSharpCompilation compilation = Compile();
        Repository.Check(Rule,
            from file in Machines()
            let model = compilation.GetSemanticModel(file.Tree)
            from name in file.Root.DescendantNodes().OfType<SimpleNameSyntax>()
            let symbol = model.GetSymbolInfo(name).Symbol
            where symbol is not null && IsImpure(symbol)
            select $"{file.At(name)}: {symbol}");
    }

    [Fact]
    public void Machines_have_no_mutable_statics() => Repository.Check(Rule,
        from file in Machines()
        from field in file.Root.DescendantNodes().OfType<FieldDeclarationSyntax>()
        where field.Modifiers.Any(SyntaxKind.StaticKeyword) && !field.Modifiers.Any(SyntaxKind.ReadOnlyKeyword)
        select file.At(field));

    [Fact]
    public void There_are_machines_to_look_at() => Assert.All(s_folders, f =>
        Assert.Contains(Repository.Sources, s => s.Path.StartsWith(f, StringComparison.Ordinal)));

    private static IEnumerable<SourceFile> Machines() =>
        Repository.Sources.Where(s => s_folders.Any(f => s.Path.StartsWith(f, StringComparison.Ordinal)));

    private static bool IsImpure(ISymbol symbol)
    {
        INamedTypeSymbol? type = symbol as INamedTypeSymbol ?? symbol.ContainingType;
        if (type is null) return false;
        return s_namespaces.Contains(type.ContainingNamespace.ToDisplayString())
            || s_types.Contains(type.ToDisplayString())
            || s_members.Contains($"{type.ToDisplayString()}.{symbol.Name}");
    }

    private static CSharpCompilation Compile()
    {
        const string Usings = """
            global using System; global using System.Collections.Generic; global using System.IO;
            global using System.Linq; global using System.Net.Http; global using System.Threading;
            global using System.Threading.Tasks;
            """;
        var platform = (string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!;
        return CSharpCompilation.Create(
            "machines",
            [CSharpSyntaxTree.ParseText(Usings), .. Core().Select(s => s.Tree)],
            platform.Split(Path.PathSeparator).Where(p => !p.EndsWith("Granary.Core.dll", StringComparison.Ordinal))
                .Select(p => MetadataReference.CreateFromFile(p)));
    }

    private static IEnumerable<SourceFile> Core() =>
        Repository.Sources.Where(s => s.Path.StartsWith("src/Granary.Core/", StringComparison.Ordinal));
}
