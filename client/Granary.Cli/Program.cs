using System.CommandLine;
using Granary.Cli;
using Granary.Engines;
using Granary.Stores;

var error = new StandardError();
try
{
    ParseResult parsed = CommandLine.Parse(args, error);
    if (parsed.Errors.Count > 0 || CommandLine.MistypedOption(parsed) is not null) throw CommandLine.Fault(parsed);
    // Signals are the verbs' own business, and so are exceptions this file's.
    var configuration =
        new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
    return await parsed.InvokeAsync(configuration);
}
catch (CliException e)
{
    error.Complain(e.HasPlace ? e.Message : "granary: " + e.Message, e.Hint);
    return (int)e.Code;
}
catch (RefusedException e)
{
    error.Complain("granary: " + e.Message, "");
    return (int)ExitCode.BadInput;
}
catch (StoreException e)
{
    error.Complain("granary: " + e.Message, "");
    return (int)ExitCode.Store;
}
catch (IOException e) when (StandardOutput.IsClosedPipe(e))
{
    return (int)ExitCode.Interrupted;
}
catch (IOException e)
{
    error.Complain("granary: " + e.Message, "");
    return (int)ExitCode.Store;
}
catch (OperationCanceledException)
{
    return (int)ExitCode.Interrupted;
}
catch (Exception e)
{
    Console.Error.WriteLine(e);
    error.Complain($"granary: a bug in granary: {e.Message}",
        "Please report it, with the command. Finished work is safe in the database.");
    return (int)ExitCode.Internal;
}
