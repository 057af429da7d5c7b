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

    /// <summary>Makes a silo and runs it until it is told to stop. Bad settings are named on standard error.</summary>
    /// <param name="args">As <c>--Granary:DrainTimeout=30s</c>.</param>
    /// <param name="configure">Adds the handlers.</param>
    /// <returns>The exit code: 0, or 1 for bad settings.</returns>
    public static async Task<int> RunAsync(string[] args, Action<GranaryBuilder>? configure = null)
    {
        try
        {
            using IHost host = Create(args, configure);
            await host.RunAsync();
            return 0;
        }
        catch (OptionsValidationException e)
        {
            foreach (string failure in e.Failures) await Console.Error.WriteLineAsync(failure);
            return 1;
        }
    }
}
