using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Granary.House.Tests;

/// <summary>
/// The style of the house, as far as a program can see it. Its limits are true limits from the first day.
/// </summary>
public sealed partial class TidyTests
{
    private const int MaxFileLines = 400;
    private const int MaxMethodLines = 70;
    private const int MaxLineLength = 120;

    [Fact]
    public void Files_have_at_most_400_lines() => Repository.Check(
        "A file past 400 lines holds more than one thing: split it by noun.",
        from file in Repository.Sources
        let lines = file.Text.TrimEnd().Split('\n').Length
        where lines > MaxFileLines
        select $"{file.Path}: {lines} lines");

    [Fact]
    public void Methods_have_at_most_70_lines() => Repository.Check(
        "A method past 70 lines hides its steps: name them.",
        from file in Repository.Sources
        from node in file.Root.DescendantNodes()
        where node is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax or LocalFunctionStatementSyntax
            or PropertyDeclarationSyntax
        let span = node.GetLocation().GetLineSpan()
        let lines = span.EndLinePosition.Line - span.StartLinePosition.Line + 1
        where lines > MaxMethodLines
        select $"{file.At(node)}: {lines} lines");

    [Fact]
    public void Lines_have_at_most_120_characters() => Repository.Check(
        "A line past 120 characters does not fit beside another on a screen.",
        from file in Repository.Sources
        from line in file.Lines.Index()
        where line.Item.TrimEnd('\r').Length > MaxLineLength && !HasAddress(line.Item)
        select $"{file.Path}:{line.Index + 1}: {line.Item.Length} characters");

    [Fact]
    public void There_are_no_regions() => Repository.Check(
        "A region hides code that wants a class or a name of its own.",
        from file in Repository.Sources
        from node in file.Root.DescendantNodes(descendIntoTrivia: true).OfType<RegionDirectiveTriviaSyntax>()
        select file.At(node));

    [Fact]
    public void What_is_left_to_do_names_its_issue() => Repository.Check(
        "What is left to do belongs in an issue; a comment may point there (#123 or an address).",
        from file in Repository.Sources
        from line in file.Lines.Index()
        where LeftToDo().IsMatch(line.Item) && !line.Item.Contains('#', StringComparison.Ordinal)
            && !HasAddress(line.Item)
        select $"{file.Path}:{line.Index + 1}");

    [Fact]
    public void Canceled_is_spelled_with_one_l() => Repository.Check(
        "Canceled and canceling are spelled with one l, as in TaskStatus.Canceled.",
        from file in Repository.Sources
        from line in file.Lines.Index()
        where TwoLs().IsMatch(line.Item)
        select $"{file.Path}:{line.Index + 1}");

    [Fact]
    public void No_namespace_has_a_segment_Orleans() => Repository.Check(
        "A namespace segment Orleans hides Orleans.* from every namespace beside it: say Grains.",
        from file in Repository.Sources
        from node in file.Root.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>()
        where node.Name.ToString().Split('.').Contains("Orleans")
        select file.At(node));

    [Fact]
    public void No_project_is_named_after_nothing() => Repository.Check(
        "A project named Abstractions, Common, Shared or Utils has no subject.",
        from path in Repository.Files("*.csproj")
        let words = Path.GetFileNameWithoutExtension(path).Split('.')
        where words.Intersect(["Abstractions", "Common", "Shared", "Utils"]).Any()
        select path);

    [Fact]
    public void Classes_are_sealed_by_default() => Repository.Check(
        "A class is sealed, static or abstract: inheritance is designed or forbidden.",
        from file in Repository.Sources
        from type in file.Root.DescendantNodes().OfType<TypeDeclarationSyntax>()
        where type.IsKind(SyntaxKind.ClassDeclaration) || type.IsKind(SyntaxKind.RecordDeclaration)
        where !HasAny(type, SyntaxKind.SealedKeyword, SyntaxKind.StaticKeyword, SyntaxKind.AbstractKeyword)
        where !IsTopLevelProgram(type) && !IsPartOfSealed(file, type) && !IsInherited(type.Identifier.Text)
        select $"{file.At(type)}: {type.Identifier.Text}");

    [Fact]
    public void Partial_classes_only_keep_log_messages_and_generated_code_apart() => Repository.Check(
        "A class is partial only for X.Log.cs or for a source generator; its size is no reason.",
        from file in Repository.Sources
        from type in file.Root.DescendantNodes().OfType<TypeDeclarationSyntax>()
        where HasAny(type, SyntaxKind.PartialKeyword) && !IsTopLevelProgram(type)
        where !file.Path.EndsWith(".Log.cs", StringComparison.Ordinal)
        where !Repository.Sources.Any(s => s.Path == file.Path.Replace(".cs", ".Log.cs", StringComparison.Ordinal))
        where !IsForGenerator(type)
        select $"{file.At(type)}: {type.Identifier.Text}");

    [Fact]
    public void Persisted_enums_have_no_zero() => Repository.Check(
        "Zero bytes on disk must not mean anything: a persisted enum starts at 1, and each value is written out.",
        from file in Repository.Sources
        from type in file.Root.DescendantNodes().OfType<EnumDeclarationSyntax>()
        where type.GetLeadingTrivia().ToFullString().Contains("Persisted", StringComparison.Ordinal)
        from member in type.Members
        where member.EqualsValue?.Value is not LiteralExpressionSyntax { Token.Value: int and not 0 }
        select $"{file.At(member)}: {type.Identifier.Text}.{member.Identifier.Text}");

    [Fact]
    public void Every_analyzer_that_is_switched_off_has_its_reason() => Repository.Check(
        "An opt-out in .editorconfig has a comment above it that says why.",
        from line in Repository.Read(".editorconfig").Split('\n').Index()
        where line.Item.StartsWith("dotnet_diagnostic.", StringComparison.Ordinal)
        where !HasReason(Repository.Read(".editorconfig").Split('\n'), line.Index)
        select line.Item);

    [Fact]
    public void Package_versions_are_written_in_one_place() => Repository.Check(
        "Package versions stand in Directory.Packages.props and nowhere else.",
        from path in Repository.Files("*.csproj")
        from reference in XDocument.Load(Repository.Full(path)).Descendants("PackageReference")
        where reference.Attribute("Version") is not null || reference.Attribute("VersionOverride") is not null
        select $"{path}: {reference.Attribute("Include")?.Value}");

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = Repository.Read("Orleans.sln").Replace('\\', '/');
        Repository.Check(
            "A project outside of Orleans.sln is neither built nor tested.",
            Repository.Files("*.csproj").Where(p => !solution.Contains(p, StringComparison.Ordinal)));
    }

    private static bool HasAddress(string line) => line.Contains("https://", StringComparison.Ordinal);

    private static bool HasReason(string[] lines, int at)
    {
        while (at > 0 && lines[at].StartsWith("dotnet_diagnostic.", StringComparison.Ordinal)) at--;
        return lines[at].StartsWith('#');
    }

    private static bool HasAny(TypeDeclarationSyntax type, params SyntaxKind[] kinds) =>
        type.Modifiers.Any(m => kinds.Contains(m.Kind()));

    private static bool IsTopLevelProgram(TypeDeclarationSyntax type) => type.Identifier.Text == "Program";

    private static bool IsForGenerator(TypeDeclarationSyntax type) =>
        type.BaseList?.ToString().Contains("JsonSerializerContext", StringComparison.Ordinal) == true
        || type.Members.Any(m => m.Modifiers.Any(SyntaxKind.PartialKeyword));

    // The other half of a partial class carries the word.
    private static bool IsPartOfSealed(SourceFile file, TypeDeclarationSyntax type) =>
        file.Path.EndsWith(".Log.cs", StringComparison.Ordinal) && HasAny(type, SyntaxKind.PartialKeyword);

    private static bool IsInherited(string name) => s_bases.Value.Contains(name);

    private static readonly Lazy<HashSet<string>> s_bases = new(() =>
    [
        .. from file in Repository.Sources
           from list in file.Root.DescendantNodes().OfType<BaseListSyntax>()
           from type in list.Types
           let name = type.Type is QualifiedNameSyntax qualified ? qualified.Right : type.Type
           select name is GenericNameSyntax generic ? generic.Identifier.Text : name.ToString(),
    ]);

    [GeneratedRegex(@"\b(TO" + "DO|FIX" + @"ME|HA" + @"CK)\b")]
    private static partial Regex LeftToDo();

    [GeneratedRegex("cance" + "ll(ed|ing)", RegexOptions.IgnoreCase)]
    private static partial Regex TwoLs();
}
