using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using Xunit;

namespace Granary.House.Tests;

/// <summary>Which room may know which: the table in src/README.md, read from assemblies and project files.</summary>
public sealed class ArchitectureTests
{
    private const string Sqlite = "Microsoft.Data.Sqlite";

    private static readonly Room[] s_rooms =
    [
        new("src/Granary.Core", "Granary.Core",
            "Core may reference the BCL and Microsoft.Extensions.*.Abstractions: it runs under every engine.",
            May: ["System", "Microsoft.Win32.", "Microsoft.Extensions."],
            MayNot: []),
        new("src/Granary.Embedded", "Granary.Embedded",
            "Embedded may reference Core, SQLite and Microsoft.Extensions.*: no Orleans, no web server.",
            May: ["System", "Microsoft.Extensions.", "Granary.Core", Sqlite, "SQLitePCL"],
            MayNot: []),
        new("src/Granary.Grains", "Granary.Grains",
            "Grains may reference Core and Orleans: no SQLite, no Npgsql, no ASP.NET; stores and hosts are the silo's.",
            May: ["System", "Microsoft.Extensions.", "Granary.Core", "Microsoft.Orleans.", "Orleans."],
            MayNot: []),
        new("silo/Granary.Silo", "Granary.Silo",
            "Silo may reference Grains, Http and the providers that it composes, never the embedded engine.",
            May:
            [
                "System", "Microsoft.AspNetCore", "Microsoft.Extensions.", "Microsoft.Orleans.", "Orleans.", "Npgsql",
                "OpenTelemetry", "Granary.Core", "Granary.Client", "Granary.Grains", "Granary.Http", "Granary.Postgres",
            ],
            MayNot: []),
        new("src/Granary.Postgres", "Granary.Postgres",
            "Postgres may reference Core and Npgsql: it serves either engine and is part of none.",
            May: ["System", "Microsoft.Extensions.", "Granary.Core", "Npgsql"],
            MayNot: []),
        new("client/Granary.Client", "Granary.Client",
            "Client may reference Core and no engine: the same handles work over every engine.",
            May: ["System", "Microsoft.Extensions.", "Granary.Core"],
            MayNot: []),
        new("client/Granary.Cli", "granary",
            "Cli may reference Client, Embedded, Postgres and Http, never Grains: it starts fast and needs no server.",
            May:
            [
                "System", "Microsoft.", "Spectre.Console", "SQLitePCL", "Npgsql", "OpenTelemetry",
                "Granary.Core", "Granary.Client", "Granary.Embedded", "Granary.Postgres", "Granary.Http",
            ],
            MayNot: ["Granary.Grains", "Microsoft.Orleans", "Orleans"]),
    ];

    public static TheoryData<string> Rooms => [.. s_rooms.Select(r => r.Folder)];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void An_assembly_references_only_what_its_room_may(string folder)
    {
        Room room = s_rooms.Single(r => r.Folder == folder);
        Repository.Check(
            room.Rule,
            from reference in References(room.Assembly)
            where room.Refuses(reference)
            select $"{room.Assembly}.dll references {reference}");
    }

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_project_references_only_what_its_room_may(string folder)
    {
        Room room = s_rooms.Single(r => r.Folder == folder);
        XDocument project = XDocument.Load(Repository.Full(
            Repository.Files("*.csproj").Single(p => p.StartsWith(folder + "/", StringComparison.Ordinal))));
        IEnumerable<string> names =
            from reference in project.Descendants()
            where reference.Name.LocalName is "ProjectReference" or "PackageReference" or "FrameworkReference"
            let include = reference.Attribute("Include")?.Value ?? ""
            select reference.Name.LocalName == "ProjectReference" ? Path.GetFileNameWithoutExtension(include) : include;
        Repository.Check(room.Rule, names.Where(room.Refuses).Select(r => $"{folder} references {r}"));
    }

    [Fact]
    public void Every_room_has_its_rule() => Repository.Check(
        "A project under src, client or silo has a line in src/README.md and in this test.",
        from path in Repository.Files("*.csproj")
        where path.Split('/')[0] is "src" or "client" or "silo"
        where s_rooms.All(r => !path.StartsWith(r.Folder + "/", StringComparison.Ordinal))
        select path);

    [Fact]
    public void What_is_left_out_without_Orleans_is_what_references_it() => Repository.Check(
        "A project that references a package of Orleans says NeedsOrleans.",
        from path in Repository.Files("*.csproj")
        let project = XDocument.Load(Repository.Full(path))
        where project.Descendants("PackageReference").Any(IsOfOrleans)
        where project.Descendants("NeedsOrleans").All(e => e.Value != "true")
        select path);

    [Fact]
    public void The_packages_that_are_probed_are_all_of_Orleans() => Repository.Check(
        "A package of Orleans has the version $(OrleansVersion): by it the probe finds what it must try.",
        from package in XDocument.Load(Repository.Full("Directory.Packages.props")).Descendants("PackageVersion")
        where IsOfOrleans(package) != (package.Attribute("Version")?.Value == "$(OrleansVersion)")
        select package.Attribute("Include")?.Value);

    private static bool IsOfOrleans(XElement package) =>
        package.Attribute("Include")?.Value.StartsWith("Microsoft.Orleans.", StringComparison.Ordinal) == true;

    private static IEnumerable<string> References(string assembly)
    {
        using FileStream file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"));
        using var image = new PEReader(file);
        MetadataReader reader = image.GetMetadataReader();
        return [.. reader.AssemblyReferences.Select(r => reader.GetString(reader.GetAssemblyReference(r).Name))];
    }

    /// <summary>A project, and the beginnings of the names that it may and may not reference.</summary>
    private sealed record Room(string Folder, string Assembly, string Rule, string[] May, string[] MayNot)
    {
        public bool Refuses(string name) => !Begins(May, name) || Begins(MayNot, name);

        private static bool Begins(string[] beginnings, string name) =>
            beginnings.Any(b => name.StartsWith(b, StringComparison.Ordinal));
    }
}
