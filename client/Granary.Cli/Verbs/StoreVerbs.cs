using System.CommandLine;
using Granary.Embedded.Sqlite;
using Granary.Persistence;
using Granary.Stores;

namespace Granary.Cli;

/// <summary><c>granary verify</c>: reads everything in a database and checks it.</summary>
internal static class VerifyVerb
{
    public static Command Create(StandardError error)
    {
        Option<bool> json = Options.Json("an object");
        var command = new Command("verify", "Checks every page, record and checksum of a database.") { json };
        return Verb.Reading(command, error, async verb =>
        {
            var problems = new List<string>();
            problems.AddRange(await verb.Database.CheckAsync(verb.Cancellation));
            await foreach (
                string problem in StoreVerifier.VerifyAsync(verb.Database.Store, verb.Cancellation)) problems.Add(
                problem);
            Print(verb.Database.Name, problems, verb.Parsed.GetValue(json));
            return problems.Count == 0 ? ExitCode.Ok : ExitCode.Store;
        });
    }

    private static void Print(string path, List<string> problems, bool json)
    {
        if (json)
        {
            Report.Line((path, problems), static (writer, result) =>
            {
                writer.WriteStartObject();
                writer.WriteString("database"u8, result.path);
                writer.WriteBoolean("intact"u8, result.problems.Count == 0);
                writer.WriteStartArray("problems"u8);
                foreach (string problem in result.problems) writer.WriteStringValue(problem);
                writer.WriteEndArray();
                writer.WriteEndObject();
            });
            return;
        }
        foreach (string problem in problems) Console.Out.WriteLine(Printable.Escape(problem));
        Console.Out.WriteLine(problems.Count == 0 ? $"{path} is intact" : $"{path} has {problems.Count:N0} problems");
    }
}

/// <summary><c>granary backup</c>: copies a database while it is in use.</summary>
internal static class BackupVerb
{
    public static Command Create(StandardError error)
    {
        var target = new Argument<string>("FILE") { Description = "The copy; must not exist." };
        Option<bool> json = Options.Json("an object");
        var command =
            new Command("backup", "Copies a database as of now, also while another process uses it.") { target, json };
        return Verb.Reading(command, error, async verb =>
        {
            string path = verb.Parsed.GetRequiredValue(target);
            if (File.Exists(path))
                throw CliException.BadInput($"{path} exists already", "Give another name, or remove it.");
            if (verb.Database.Store is not SqliteJobStore store)
                throw CliException.BadInput("backup copies a file, and this database is a server's",
                    "Use pg_dump --schema, or what backs up the whole server.");
            await store.BackupAsync(path, verb.Cancellation);
            long bytes = new FileInfo(path).Length;
            if (!verb.Parsed.GetValue(json))
                Console.Out.WriteLine($"{verb.Database.Name} copied to {path} ({bytes:N0} bytes)");
            else Report.Line((verb.Database.Name, path, bytes), static (writer, copy) =>
            {
                writer.WriteStartObject();
                writer.WriteString("database"u8, copy.Name);
                writer.WriteString("backup"u8, copy.path);
                writer.WriteNumber("bytes"u8, copy.bytes);
                writer.WriteEndObject();
            });
            return ExitCode.Ok;
        });
    }
}

/// <summary><c>granary schema</c>: prints the JSON Schema of job files.</summary>
internal static class SchemaVerb
{
    public static Command Create(StandardError error)
    {
        var command = new Command("schema", "Prints the JSON Schema of job files.");
        command.SetAction(static parsed =>
        {
            using Stream schema = Open();
            using Stream output = StandardOutput.Open();
            schema.CopyTo(output);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    public static Stream Open() => typeof(SchemaVerb).Assembly.GetManifestResourceStream("job.schema.json")!;
}
