using Granary.Stores;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Hosting;

/// <summary>
/// Sets Granary up in a host: which engine, and which handlers. Engines add their own <c>Use…</c> methods.
/// </summary>
public sealed class GranaryBuilder
{
    /// <summary>Makes one; <c>AddGranary</c> does.</summary>
    public GranaryBuilder(IServiceCollection services) => Services = services;

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>The handlers.</summary>
    public HandlerRegistry Handlers { get; } = new();

    /// <summary>
    /// Opens the store that the engine is to use, and to dispose. Packages of stores set it; null where the engine
    /// has a store of its own.
    /// </summary>
    public Func<IServiceProvider, CancellationToken, Task<IJobStore>>? Store { get; set; }

    /// <summary>Adds a function as a handler.</summary>
    public GranaryBuilder Handle<TArgs, TResult>(string name, Func<TArgs, TaskContext, Task<TResult>> function)
    {
        Handlers.Handle(name, function);
        return this;
    }

    /// <summary>Adds a class as a handler; each attempt makes one from its own service scope.</summary>
    public GranaryBuilder Handle<TArgs, TResult, THandler>(string name)
        where THandler : class, ITaskHandler<TArgs, TResult>
    {
        Handlers.Handle<TArgs, TResult, THandler>(name);
        return this;
    }
}
