using System.Text.RegularExpressions;
using Xunit;

namespace Granary.House.Tests;

/// <summary>Nothing in the docs that is not there, and no C# in the README that is not compiled.</summary>
public sealed partial class DocsTests
{
    [Fact]
    public void Every_link_to_a_file_leads_to_one() => Repository.Check(
        "A link in a Markdown file leads nowhere.",
        from path in Repository.Files("*.md")
        from Match link in Link().Matches(WithoutCode(Repository.Read(path)))
        let target = link.Groups[1].Value.Split('#')[0]
        where target.Length > 0 && !target.Contains("://", StringComparison.Ordinal)
            && !target.StartsWith("mailto:", StringComparison.Ordinal)
        let full = Path.Combine(Repository.Root, Path.GetDirectoryName(path)!, target)
        where !File.Exists(full) && !Directory.Exists(full)
        select $"{path}: {link.Groups[1].Value}");

    [Fact]
    public void Every_link_within_a_page_leads_to_a_heading() => Repository.Check(
        "A link in a Markdown file names a heading that is not there.",
        from path in Repository.Files("*.md")
        let text = WithoutCode(Repository.Read(path))
        let anchors = Heading().Matches(text).Select(h => Anchor(h.Groups[1].Value)).ToHashSet()
        from Match link in Link().Matches(text)
        where link.Groups[1].Value.StartsWith('#') && !anchors.Contains(link.Groups[1].Value[1..])
        select $"{path}: {link.Groups[1].Value}");

    [Fact]
    public void The_csharp_of_the_READMEs_stands_in_a_compiled_file()
    {
        string[] compiled =
        [
            .. from source in Repository.Sources
               where source.Path.Split('/')[0] is "samples" or "tests"
               select Squeezed(source.Text),
        ];
        Repository.Check(
            "C# in a README stands, line by line in a row, in a file under samples or tests that the build compiles.",
            from path in Repository.Files("README.md")
            from Match block in CSharpBlock().Matches(Repository.Read(path).ReplaceLineEndings("\n"))
            where !compiled.Any(c => c.Contains(Squeezed(block.Groups[1].Value), StringComparison.Ordinal))
            select $"{path}: {block.Groups[1].Value.Split('\n')[0]} …");
    }

    // Indentation, blank lines and where the usings stand are the page's own business.
    private static string Squeezed(string text)
    {
        IEnumerable<string> lines =
            text.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && !Using().IsMatch(l));
        return "\n" + string.Join('\n', lines) + "\n";
    }

    private static string WithoutCode(string text) => Code().Replace(text, "");

    private static string Anchor(string heading) =>
        new([.. heading.Trim().ToLowerInvariant().Replace(' ', '-').Where(c => char.IsLetterOrDigit(c) || c == '-')]);

    [GeneratedRegex(@"\[[^\]]*\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("```.*?```|`[^`\n]*`", RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex(@"^using [A-Z][\w.]*;$")]
    private static partial Regex Using();

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}
