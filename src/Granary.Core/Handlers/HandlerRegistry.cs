using Microsoft.Extensions.DependencyInjection;
using System.Buffers;

namespace Granary;

/// <summary>
/// The handlers of one engine, by name. The built-in ones are there from the start. Not for use once the engine runs.
/// </summary>
public sealed class HandlerRegistry
{
    private readonly Dictionary<string, TaskHandler> _handlers = new(StringComparer.Ordinal);

    /// <summary>The names, in no order.</summary>
    public IReadOnlyCollection<string> Names => _handlers.Keys;

    /// <summary>The handler of that name, or null.</summary>
    public TaskHandler? Find(string name) => _handlers.GetValueOrDefault(name);

    /// <summary>Adds or replaces a handler.</summary>
    /// <exception cref="ArgumentException">The name is empty or longer than <see
    /// cref="JobDefaults.MaxNameLength"/>.</exception>
    public HandlerRegistry Add(string name, TaskHandler handler)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Length > JobDefaults.MaxNameLength)
            throw new ArgumentException(
                $"A handler's name has at most {JobDefaults.MaxNameLength} characters.", nameof(name));
        _handlers[name] = handler;
        return this;
    }

    /// <summary>Takes a handler out, a built-in one for instance; nothing happens if there is none of that
    /// name.</summary>
    public HandlerRegistry Remove(string name)
    {
        _handlers.Remove(name);
        return this;
    }

    /// <summary>Adds a function.</summary>
    public HandlerRegistry Handle<TArgs, TResult>(string name, Func<TArgs, TaskContext, Task<TResult>> function) =>
        Add(name, new DelegateHandler<TArgs, TResult>(function));

    /// <summary>Adds a synchronous function.</summary>
    public HandlerRegistry Handle<TArgs, TResult>(string name, Func<TArgs, TaskContext, TResult> function) =>
        Add(name, new DelegateHandler<TArgs, TResult>((args, task) => Task.FromResult(function(args, task))));

    /// <summary>Adds a class; each attempt makes one from its own service scope.</summary>
    public HandlerRegistry Handle<TArgs, TResult, THandler>(string name)
        where THandler : class, ITaskHandler<TArgs, TResult> =>
            Add(name, new ScopedHandler<TArgs, TResult, THandler>());

    private sealed class ScopedHandler<TArgs, TResult, THandler> : TaskHandler
        where THandler : class, ITaskHandler<TArgs, TResult>
    {
        public override async ValueTask InvokeAsync(TaskContext task, IBufferWriter<byte> result)
        {
            IServiceProvider services = task.Services ?? throw new InvalidOperationException(
                $"Handler '{task.Handler}' is a class and needs a service provider. "
                + "Use AddGranary in a host, or register a function.");
            THandler handler = ActivatorUtilities.GetServiceOrCreateInstance<THandler>(services);
            HandlerJson.Write(await handler.HandleAsync(HandlerJson.Read<TArgs>(task), task), result);
        }
    }
}
