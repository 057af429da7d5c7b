using System.Reflection;
using Xunit;

namespace Granary.House.Tests;

/// <summary>
/// The public surface of each package is a text beside its project, reviewed like code. After a change on purpose,
/// run the tests once with <c>GRANARY_UPDATE_API=1</c> in the environment and commit the new text.
/// </summary>
public sealed class PublicApiTests
{
    [Theory]
    [InlineData("Granary.Core", "src/Granary.Core/PublicApi.txt")]
    [InlineData("Granary.Embedded", "src/Granary.Embedded/PublicApi.txt")]
    [InlineData("Granary.Postgres", "src/Granary.Postgres/PublicApi.txt")]
    [InlineData("Granary.Client", "client/Granary.Client/PublicApi.txt")]
    [InlineData("Granary.Grains", "src/Granary.Grains/PublicApi.txt")]
    [InlineData("Granary.Silo", "silo/Granary.Silo/PublicApi.txt")]
    public void The_public_surface_is_the_reviewed_one(string assembly, string path)
    {
        Assembly loaded = Assembly.Load(assembly);
        if (Repository.IsLeftOut(loaded)) return;
        string actual = PublicApi.Of(loaded);
        string file = Repository.Full(path);
        if (Environment.GetEnvironmentVariable("GRANARY_UPDATE_API") == "1") File.WriteAllText(file, actual);
        string[] now = actual.Split('\n');
        string[] reviewed = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n").Split('\n') : [];
        Repository.Check(
            $"The public surface of {assembly} is not the one in {path}. Meant? Then run with GRANARY_UPDATE_API=1.",
            [.. reviewed.Except(now).Select(l => $"- {l}"), .. now.Except(reviewed).Select(l => $"+ {l}")]);
    }
}
