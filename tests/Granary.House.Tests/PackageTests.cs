using System.Diagnostics;
using System.IO.Compression;
using System.Reflection;
using System.Xml.Linq;
using Xunit;

namespace Granary.House.Tests;

/// <summary>What <c>dotnet pack</c> makes, as its users get it. Packs what was built, and needs no network.</summary>
public sealed class PackageTests : IDisposable
{
    private static readonly string s_configuration =
        AppContext.BaseDirectory.Split(Path.DirectorySeparatorChar).Contains("Release") ? "Release" : "Debug";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("granary-pack-");

    public void Dispose() => _directory.Delete(recursive: true);

    [PackFact]
    public async Task Packages_carry_docs_symbols_and_a_readme_and_the_tool_installs_and_runs()
    {
        string packages = Path.Combine(_directory.FullName, "packages");
        string solution = Repository.Full("Orleans.sln");
        await DotnetAsync("pack", solution, "-c", s_configuration, "--no-build", "-o", packages, "-v", "q");

        string[] libraries = ["Granary.Core", "Granary.Embedded", "Granary.Postgres", "Granary.Client"];
        string[] cluster = ["Granary.Grains", "Granary.Silo"];
        Assert.All(libraries, id => CheckLibrary(packages, id));
        if (!Repository.IsLeftOut(Assembly.Load("Granary.Grains")))
            Assert.All(cluster, id => CheckLibrary(packages, id));
        IReadOnlyList<string> tool = Entries(Single(packages, "Granary.Cli", "nupkg"));
        Assert.Contains("README.md", tool);
        Assert.Contains("tools/net10.0/any/DotnetToolSettings.xml", tool);
        Assert.Contains("tools/net10.0/any/granary.dll", tool);
        Assert.Contains("tools/net10.0/any/Granary.Embedded.dll", tool);

        await InstallAndRunAsync(packages);
    }

    private static void CheckLibrary(string packages, string id)
    {
        IReadOnlyList<string> entries = Entries(Single(packages, id, "nupkg"));
        Assert.Contains("README.md", entries);
        Assert.Contains($"lib/net10.0/{id}.dll", entries);
        Assert.Contains($"lib/net10.0/{id}.xml", entries);
        Assert.Contains($"lib/net10.0/{id}.pdb", Entries(Single(packages, id, "snupkg")));
        XElement metadata = Nuspec(Single(packages, id, "nupkg"));
        string[] said = [.. metadata.Elements().Select(e => e.Name.LocalName)];
        Assert.Contains("license", said);
        Assert.Contains("readme", said);
        Assert.Contains("description", said);
    }

    private async Task InstallAndRunAsync(string packages)
    {
        string tools = Path.Combine(_directory.FullName, "tools");
        string sources = Path.Combine(_directory.FullName, "sources.config");
        await File.WriteAllTextAsync(sources,
            $"""
            <configuration><packageSources><clear/><add key="here" value="{packages}"/></packageSources></configuration>
            """);
        await DotnetAsync("tool", "install", "Granary.Cli", "--tool-path", tools, "--configfile", sources);
        string granary = Path.Combine(tools, OperatingSystem.IsWindows() ? "granary.exe" : "granary");
        Assert.Contains("run", await RunAsync(granary, ["--help"]), StringComparison.Ordinal);
    }

    private static string Single(string packages, string id, string extension) =>
        Assert.Single(Directory.GetFiles(packages, $"{id}.0.*.{extension}"));

    private static IReadOnlyList<string> Entries(string package)
    {
        using ZipArchive archive = ZipFile.OpenRead(package);
        return [.. archive.Entries.Select(e => e.FullName)];
    }

    private static XElement Nuspec(string package)
    {
        using ZipArchive archive = ZipFile.OpenRead(package);
        ZipArchiveEntry entry = archive.Entries.Single(e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal));
        using Stream stream = entry.Open();
        return XDocument.Load(stream).Root!.Elements().Single();
    }

    private Task<string> DotnetAsync(params string[] arguments) => RunAsync(PackFactAttribute.Dotnet!, arguments);

    private async Task<string> RunAsync(string program, string[] arguments)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Root,
        };
        // The installed command looks for the runtime where the machine has it; here that is beside the SDK in use.
        info.Environment["DOTNET_ROOT"] = Path.GetDirectoryName(Path.GetFullPath(PackFactAttribute.Dotnet!));
        // A package that was installed before under this version must not hide the one just made.
        info.Environment["NUGET_PACKAGES"] = Path.Combine(_directory.FullName, "cache");
        using Process process = Process.Start(info)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        string text = await output + await errors;
        Assert.True(process.ExitCode == 0, $"{Path.GetFileName(program)} {string.Join(' ', arguments)}\n{text}");
        return text;
    }
}

/// <summary>A test that packs; skipped where there is no <c>dotnet</c> to pack with.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PackFactAttribute : FactAttribute
{
    /// <summary>Makes one.</summary>
    public PackFactAttribute()
    {
        if (Dotnet is null) Skip = "There is no dotnet command here to pack with.";
    }

    /// <summary>The dotnet command that runs this test, or the first in PATH.</summary>
    public static string? Dotnet { get; } = new[] { Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") }
        .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(p => Path.Combine(p, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet")))
        .FirstOrDefault(File.Exists);
}
