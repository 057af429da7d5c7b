using Granary.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Granary.Silo;

/// <summary>
/// A silo as a program. <c>return await GranarySilo.RunAsync(args, g => g.Handle&lt;…&gt;(…));</c> is all of it.
/// </summary>
public static class GranarySilo
{
    /// <summary>What the logs say unless the settings say otherwise.</summary>
    private static readonly Dictionary<string, string?> s_defaults = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft"] = "Warning",
        // A silo that starts or stops is unready; its probes say so.
        ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "None",
        ["Logging:LogLevel:Orleans"] = "Warning",
        // A start that fails is said by the silo and the host after it.
        ["Logging:LogLevel:Orleans.Runtime.SiloLifecycleSubject"] = "None",
    };

    /// <summary>
    /// Makes a silo with your handlers, set up by <c>appsettings.json</c> beside the program, the environment and
    /// <paramref name="args"/>, the later ones first.
    /// </summary>
    /// <param name="args">As <c>--Granary:DrainTimeout=30s</c>.</param>
    /// <param name="configure">Adds the handlers.</param>
    /// <exception cref="OptionsValidationException">The settings do not go together; each failure names the setting
    /// and the mend.</exception>
    public static IHost Create(string[] args, Action<GranaryBuilder>? configure = null)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings
        {
            Args = args,
            ContentRootPath = AppContext.BaseDirectory,
        });
        var defaults = new MemoryConfigurationSource { InitialData = s_defaults };
        ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, defaults);
        builder.AddGranarySilo(configure);
        return builder.Build();
    }

    /// <summary>Makes a silo and runs it until it is told to stop. Why it cannot start is said on standard
    /// error.</summary>
    /// <param name="args">As <c>--Granary:DrainTimeout=30s</c>.</param>
    /// <param name="configure">Adds the handlers.</param>
    /// <returns>The exit code: 0 when a signal told it to stop, 1 when it could not start, 2 when it stopped by itself,
    /// because its store will not write again: whoever supervises it starts it anew.</returns>
    public static async Task<int> RunAsync(string[] args, Action<GranaryBuilder>? configure = null)
    {
        using var signals = new StopSignals();
        try
        {
            using IHost host = Create(args, configure);
            await host.RunAsync();
        }
        catch (OptionsValidationException e)
        {
            foreach (string failure in e.Failures) await Console.Error.WriteLineAsync(failure);
            return 1;
        }
        catch (OperationCanceledException) when (signals.HaveCome)
        {
            return 0;
        }
#pragma warning disable CA1031 // The host has logged it; unhandled it would be an abort, and a core dump.
        catch (Exception e)
#pragma warning restore CA1031
        {
            await Console.Error.WriteLineAsync($"The silo has ended with an error. {e.Message}");
            return 1;
        }
        if (signals.HaveCome) return 0;
        await Console.Error.WriteLineAsync("The silo has stopped by itself; what it logged says why. Start it again.");
        return 2;
    }
}
