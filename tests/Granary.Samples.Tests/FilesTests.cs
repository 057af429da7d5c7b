using System.Security.Cryptography;
using System.Text.Json;
using Xunit;

namespace Granary.Samples.Tests;

/// <summary>The files sample hashes every file, and no file twice when it runs again.</summary>
public sealed class FilesTests : IDisposable
{
    private readonly DirectoryInfo _work = Directory.CreateTempSubdirectory("granary-sample");

    public void Dispose() => _work.Delete(recursive: true);

    [Fact]
    public async Task A_directory_tree_is_hashed_and_a_second_run_adds_nothing()
    {
        // Not under Windows: the sample is a shell script.
        if (OperatingSystem.IsWindows()) return;
        DirectoryInfo tree = _work.CreateSubdirectory("tree");
        DirectoryInfo output = _work.CreateSubdirectory("out");
        var expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < 20; i++)
        {
            string path = Path.Combine(tree.CreateSubdirectory($"d{i % 3}").FullName, $"file {i} $HOME 'q'.txt");
            byte[] content = [.. Enumerable.Repeat((byte)i, i * 100)];
            await File.WriteAllBytesAsync(path, content);
            expected[path] = Convert.ToHexStringLower(SHA256.HashData(content));
        }

        await HashAsync(tree, output);
        string[] first = await File.ReadAllLinesAsync(Path.Combine(output.FullName, "hashes.ndjson"));
        await HashAsync(tree, output);
        string[] second = await File.ReadAllLinesAsync(Path.Combine(output.FullName, "hashes.ndjson"));

        string[] paths = await File.ReadAllLinesAsync(Path.Combine(output.FullName, "files.txt"));
        Assert.Equal(expected.Keys, paths);
        Assert.Equal(expected.Values, first.Select(Outcome).OrderBy(o => o.Index).Select(o => o.Hash));
        Assert.Equal(first.Order(StringComparer.Ordinal), second.Order(StringComparer.Ordinal));
    }

    private static Task<string[]> HashAsync(DirectoryInfo tree, DirectoryInfo output) => SampleProcess.RunAsync(
        Path.Combine(SampleProcess.Root, "samples", "files", "hash-tree.sh"),
        [tree.FullName, output.FullName],
        ("GRANARY", $"dotnet {SampleProcess.Program(Path.Combine("client", "Granary.Cli"), "granary")}"));

    private static (int Index, string Hash) Outcome(string line)
    {
        JsonElement outcome = JsonDocument.Parse(line).RootElement;
        string text = outcome.GetProperty("value").GetProperty("stdout").GetString()!;
        return (outcome.GetProperty("index").GetInt32(), text.TrimStart('\\').Split(' ')[0]);
    }
}
