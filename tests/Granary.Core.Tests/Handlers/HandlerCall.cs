using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Granary.Core.Tests.Handlers;

/// <summary>Calls one built-in handler as an engine does.</summary>
internal sealed class HandlerCall(BuiltInOptions? options = null)
{
    private readonly HandlerRegistry _handlers = new HandlerRegistry().AddBuiltIns(options);

    public TimeSpan CancelGrace { get; init; } = TimeSpan.FromSeconds(10);

    public async Task<string> TextAsync(string handler, string args, CancellationToken stop = default)
    {
        var result = new ArrayBufferWriter<byte>();
        await _handlers.Find(handler)!.InvokeAsync(Context(handler, args, stop), result);
        return Encoding.UTF8.GetString(result.WrittenSpan);
    }

    public async Task<JsonElement> RunAsync(string handler, string args, CancellationToken stop = default) =>
        JsonElement.Parse(await TextAsync(handler, args, stop));

    public Task<JsonElement> ExecAsync(CancellationToken stop, params string[] argv) =>
        RunAsync("exec", JsonSerializer.Serialize(new { argv }), stop);

    public Task<JsonElement> ExecAsync(params string[] argv) => ExecAsync(CancellationToken.None, argv);

    public Task<TaskFailedException> FailsAsync(string handler, string args) =>
        Xunit.Assert.ThrowsAsync<TaskFailedException>(() => RunAsync(handler, args));

    private TestTaskContext Context(string handler, string args, CancellationToken stop) =>
        new(handler, Encoding.UTF8.GetBytes(args), index: 2, attempt: 2, cancelGrace: CancelGrace, cancellation: stop);
}
