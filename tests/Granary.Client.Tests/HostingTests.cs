using Granary.Engines;
using Granary.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Granary.Client.Tests;

/// <summary><c>AddGranary</c> in a service collection.</summary>
public sealed class HostingTests
{
    [Fact]
    public void The_client_is_there_over_the_engine_that_was_chosen()
    {
        var engine = new ReplayEngine([]);
        using ServiceProvider services = new ServiceCollection()
            .AddGranary(g => g.Services.AddSingleton<IJobEngine>(engine))
            .BuildServiceProvider();
        GranaryClient granary = services.GetRequiredService<GranaryClient>();
        Assert.Same(engine, granary.Engine);
        Assert.Same(granary, services.GetRequiredService<GranaryClient>());
    }

    [Fact]
    public void Without_an_engine_the_error_says_what_to_do()
    {
        using ServiceProvider services = new ServiceCollection().AddGranary(_ => { }).BuildServiceProvider();
        var thrown = Assert.Throws<InvalidOperationException>(() => services.GetRequiredService<GranaryClient>());
        Assert.Contains("UseEmbedded", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Handlers_of_several_calls_add_up_and_the_built_in_ones_are_there()
    {
        using ServiceProvider services = new ServiceCollection()
            .AddGranary(g => g.Handle<int, int>("one", (number, _) => Task.FromResult(number)))
            .AddGranary(g => g.Handle<int, int, Doubler>("two"))
            .BuildServiceProvider();
        var handlers = services.GetRequiredService<HandlerRegistry>();
        Assert.Superset(
            new HashSet<string>(["one", "two", "echo", "sleep", "exec", "http"]), handlers.Names.ToHashSet());
        Assert.Same(handlers, services.GetRequiredService<GranaryBuilder>().Handlers);
    }

    private sealed class Doubler : ITaskHandler<int, int>
    {
        public Task<int> HandleAsync(int args, TaskContext task) => Task.FromResult(2 * args);
    }
}
