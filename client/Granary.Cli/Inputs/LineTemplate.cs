using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Granary.Cli;

/// <summary>Makes a task of each input line.</summary>
internal abstract class LineTemplate(string handler)
{
    protected const string Hole = "{}";

    private readonly ArrayBufferWriter<byte> _args = new();

    /// <summary>The handler that runs it.</summary>
    public string Handler { get; } = handler;

    /// <summary>Whether the line is used at all.</summary>
    public abstract bool HasHole { get; }

    /// <summary>The task of one line.</summary>
    public TaskItem Make(InputLine line, string file)
    {
        _args.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_args, OutcomeJson.WriterOptions)) WriteArgs(writer, line, file);
        if (_args.WrittenCount > JobDefaults.MaxArgumentBytes)
        {
            throw CliException.At(file, new TextPosition(line.Number, 1),
                $"the task's arguments are larger than {JobDefaults.MaxArgumentBytes / 1024:N0} KiB",
                    "Shorten the line.");
        }
        return new TaskItem(Handler, _args.WrittenSpan.ToArray());
    }

    protected abstract void WriteArgs(Utf8JsonWriter json, InputLine line, string file);

    protected static string Text(InputLine line) => Encoding.UTF8.GetString(line.Text.Span);
}

/// <summary><c>--exec</c>: the words of a command, with the line in place of each <c>{}</c>; never through a
/// shell.</summary>
internal sealed class ExecTemplate(string[] words, string directory) : LineTemplate("exec")
{
    public override bool HasHole { get; } = words.Any(word => word.Contains(Hole, StringComparison.Ordinal));

    protected override void WriteArgs(Utf8JsonWriter json, InputLine line, string file)
    {
        json.WriteStartObject();
        json.WriteStartArray("argv");
        foreach (string word in words)
        {
            if (word == Hole) json.WriteStringValue(line.Text.Span);
            else json.WriteStringValue(word.Contains(Hole, StringComparison.Ordinal)
                ? word.Replace(Hole, Text(line), StringComparison.Ordinal) : word);
        }
        json.WriteEndArray();
        json.WriteString("cwd", directory);
        json.WriteEndObject();
    }
}

/// <summary><c>--exec --shell</c>: a script of <c>/bin/sh</c>, with the line as its first parameter.</summary>
internal sealed class ShellTemplate(string command, string directory) : LineTemplate("exec")
{
    private readonly string _script = CommandWords.ShellScript(command);

    public override bool HasHole { get; } = command.Contains(Hole, StringComparison.Ordinal);

    protected override void WriteArgs(Utf8JsonWriter json, InputLine line, string file)
    {
        json.WriteStartObject();
        json.WriteStartArray("argv");
        json.WriteStringValue("/bin/sh");
        json.WriteStringValue("-c");
        json.WriteStringValue(_script);
        json.WriteStringValue("granary");
        if (HasHole) json.WriteStringValue(line.Text.Span);
        json.WriteEndArray();
        json.WriteString("cwd", directory);
        json.WriteEndObject();
    }
}

/// <summary><c>--http</c>: a URL. At its beginning <c>{}</c> is the line as it stands; later on it is percent-encoded,
/// where slashes stay in the path.</summary>
internal sealed class HttpTemplate(string url) : LineTemplate("http")
{
    public override bool HasHole { get; } = url.Contains(Hole, StringComparison.Ordinal);

    protected override void WriteArgs(Utf8JsonWriter json, InputLine line, string file)
    {
        string address = HasHole ? Fill(Text(line)) : url;
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
        {
            throw CliException.At(file, new TextPosition(line.Number, 1),
                $"{JsonSource.Quote(address)} is not an http or https URL", "For example --http 'https://example.org/{}'.");
        }
        json.WriteStartObject();
        json.WriteString("url", address);
        json.WriteEndObject();
    }

    private string Fill(string line)
    {
        var address = new StringBuilder();
        string[] parts = url.Split(Hole);
        for (int i = 0; i < parts.Length; i++)
        {
            address.Append(parts[i]);
            if (i == parts.Length - 1) break;
            if (address.Length == 0) address.Append(line);
            else if (address.ToString().Contains('?')) address.Append(Uri.EscapeDataString(line));
            else address.AppendJoin('/', line.Split('/').Select(Uri.EscapeDataString));
        }
        return address.ToString();
    }
}

/// <summary><c>--task</c>: any handler. Each line is the arguments, as JSON; or with <c>--args</c> the arguments are
/// the same JSON for all, and <c>{}</c> in its texts is the line.</summary>
internal sealed class TaskTemplate(string handler, string? args) : LineTemplate(handler)
{
    private readonly JsonElement? _args = args is null ? null : Parse(args);

    public override bool HasHole => args is null || args.Contains(Hole, StringComparison.Ordinal);

    protected override void WriteArgs(Utf8JsonWriter json, InputLine line, string file)
    {
        if (_args is { } given)
        {
            Write(json, given, Text(line));
            return;
        }
        var source = new JsonSource(line, file);
        source.Advance();
        json.WriteRawValue(source.Capture(JobDefaults.MaxArgumentBytes, 64).Span, skipInputValidation: true);
        if (source.Read()) throw source.Fault("more text follows the arguments");
    }

    private static JsonElement Parse(string args)
    {
        try
        {
            return JsonDocument.Parse(args, new JsonDocumentOptions { AllowDuplicateProperties = false }).RootElement;
        }
        catch (JsonException e)
        {
            throw CliException.BadInput($"--args is not JSON: {e.Message}", "For example --args '{\"text\": \"{}\"}'.");
        }
    }

    private static void Write(Utf8JsonWriter json, JsonElement value, string line)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    json.WritePropertyName(property.Name);
                    Write(json, property.Value, line);
                }
                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (JsonElement element in value.EnumerateArray()) Write(json, element, line);
                json.WriteEndArray();
                break;
            case JsonValueKind.String:
                json.WriteStringValue(value.GetString()!.Replace(Hole, line, StringComparison.Ordinal));
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }
}
