using System.Security.Cryptography;
using System.Text;

namespace Granary.Cli;

/// <summary>What a run submits: the job, its items (made anew at each reading), and the key that its content
/// makes.</summary>
internal sealed class Work : IDisposable
{
    private readonly InputFile? _input;

    private Work(JobSpec spec, string contentKey, Func<IEnumerable<Item>> items, InputFile? input) =>
        (Spec, ContentKey, Items, _input) = (spec, contentKey, items, input);

    /// <summary>The job; its key only if one was given.</summary>
    public JobSpec Spec { get; }

    /// <summary><c>run-</c> and a SHA-256 over everything that makes the work: the same command gives the same
    /// key.</summary>
    public string ContentKey { get; }

    public Func<IEnumerable<Item>> Items { get; }

    /// <summary>The file the input comes from; null when it is none.</summary>
    public string? InputPath => _input?.RegularPath;

    /// <summary>Reads and checks what was asked for, as far as it can be without the engine.</summary>
    public static Work Prepare(RunOptions options, IReadOnlyCollection<string> handlers)
    {
        string?[] sources = [options.JobFile, options.Exec, options.Http, options.Task];
        int given = sources.Count(source => source is not null);
        if (given == 0)
        {
            throw CliException.BadInput("nothing to run",
                "Give a job file, or --exec CMD, --http URL or --task NAME; see granary run --help.");
        }
        if (given > 1)
            throw CliException.BadInput("a job file, --exec, --http and --task exclude each other", "Give one.");
        return options.JobFile is not null ? OfJobFile(options, handlers) : OfLines(options, handlers);
    }

    /// <inheritdoc/>
    public void Dispose() => _input?.Dispose();

    private static Work OfJobFile(RunOptions options, IReadOnlyCollection<string> handlers)
    {
        if (options.From is not null || options.Args is not null || options.Shell)
            throw CliException.BadInput("--from, --args and --shell do not fit a job file", "Leave them out.");
        InputFile input = InputFile.Open(options.JobFile!);
        using Stream stream = input.Read();
        var reader = new JobFileReader(stream, input.Name, handlers);
        foreach (Item _ in reader.ReadItems()) { }
        JobSpec spec = reader.Spec;
        if (spec.Kind == JobKind.Chain && (options.Concurrency is not null || options.FailFast))
            throw CliException.BadInput($"{input.Name} is a chain; -c and --fail-fast fit only a batch",
                "Leave them out.");
        spec = Override(spec, options);
        if (spec.Name.Length == 0) spec = spec with { Name = Title(Path.GetFileName(input.Name)) };
        return new Work(spec, Fingerprint("jobfile", options, spec, input), () => Reread(input, handlers), input);
    }

    private static IEnumerable<Item> Reread(InputFile input, IReadOnlyCollection<string> handlers)
    {
        using Stream stream = input.Read();
        foreach (Item item in new JobFileReader(stream, input.Name, handlers).ReadItems()) yield return item;
    }

    private static Work OfLines(RunOptions options, IReadOnlyCollection<string> handlers)
    {
        LineTemplate template = Template(options, handlers);
        if (options.From is null && template.HasHole)
        {
            throw CliException.BadInput("there is no input for {}", "Add --from FILE, or --from - for standard input.");
        }
        if (options.From is not null && !template.HasHole && options.Exec is null)
        {
            throw CliException.BadInput("there is no {}, the place of the input line",
                options.Args is null
                    ? "For example --http 'https://example.org/{}'."
                    : "For example --args '{\"text\": \"{}\"}'.");
        }
        string command = options.Exec ?? options.Http ?? $"{options.Task} {options.Args}".TrimEnd();
        JobSpec spec = Override(new JobSpec { Kind = JobKind.Batch, Name = Title(command) }, options);
        InputFile? input = options.From is null ? null : InputFile.Open(options.From);
        return new Work(spec, Fingerprint(template.Handler, options, spec, input), () => Lines(input, template), input);
    }

    // As with xargs, a command that does not say where the line goes is given it as its last argument.
    private static string[] ExecWords(string command, string? from)
    {
        string[] words = CommandWords.Split(command);
        bool places = words.Any(word => word.Contains("{}", StringComparison.Ordinal));
        return from is null || places ? words : [.. words, "{}"];
    }

    private static IEnumerable<Item> Lines(InputFile? input, LineTemplate template)
    {
        if (input is null)
        {
            yield return template.Make(new InputLine(1, default), "--" + template.Handler);
            yield break;
        }
        using Stream stream = input.Read();
        foreach (InputLine line in LineReader.Read(stream, input.Name)) yield return template.Make(line, input.Name);
    }

    private static LineTemplate Template(RunOptions options, IReadOnlyCollection<string> handlers)
    {
        if (options.Args is not null && options.Task is null)
            throw CliException.BadInput("--args needs --task", "Name the handler.");
        if (options.Shell && options.Exec is null)
            throw CliException.BadInput("--shell needs --exec", "Give the script.");
        string directory = Environment.CurrentDirectory;
        if (options.Http is not null) return new HttpTemplate(options.Http);
        if (options.Exec is not null && options.Shell) return new ShellTemplate(options.Exec, directory);
        if (options.Exec is not null) return new ExecTemplate(ExecWords(options.Exec, options.From), directory);
        if (!handlers.Contains(options.Task!))
        {
            string known = $"Handlers here: {string.Join(", ", handlers.Order(StringComparer.Ordinal))}.";
            throw CliException.BadInput($"--task: there is no handler {JsonSource.Quote(options.Task!)}",
                Nearest.Find(options.Task!, handlers) is { } near ? $"Did you mean \"{near}\"? {known}" : known);
        }
        return new TaskTemplate(options.Task!, options.Args ?? (options.From is null ? "null" : null));
    }

    // What the command line says wins over the file's root.
    private static JobSpec Override(JobSpec spec, RunOptions options) => spec with
    {
        MaxConcurrency = options.Concurrency ?? spec.MaxConcurrency,
        OnFailure = options.FailFast ? FailurePolicy.CancelPending : spec.OnFailure,
        Key = options.Key ?? spec.Key,
        Defaults = spec.Defaults with
        {
            Retries = options.Retries ?? spec.Defaults.Retries,
            Timeout = options.Timeout ?? spec.Defaults.Timeout,
            // The built-in handlers cannot bring the process down, so a run that is killed often is no task's fault.
            MaxInterruptions = spec.Defaults.MaxInterruptions ?? 10_000,
        },
    };

    private static string Title(string text) => Printable.Cut(text, JobDefaults.MaxNameLength);

    private static string Fingerprint(string kind, RunOptions options, JobSpec spec, InputFile? input)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string?[] parts =
        [
            kind, options.Exec, options.Http, options.Task, options.Args, options.Shell ? "shell" : null,
            options.Exec is null ? null : Environment.CurrentDirectory,
            spec.OnFailure.ToString(), options.Retries?.ToString(null, null), options.Timeout?.ToString(),
        ];
        foreach (string? part in parts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(part ?? "");
            hash.AppendData(BitConverter.GetBytes(part is null ? -1 : bytes.Length));
            hash.AppendData(bytes);
        }
        input?.AddTo(hash);
        return "run-" + Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
