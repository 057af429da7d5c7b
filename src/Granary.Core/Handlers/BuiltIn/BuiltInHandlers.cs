namespace Granary;

/// <summary>The handlers that come with Granary: <c>echo</c>, <c>sleep</c>, <c>exec</c> and <c>http</c>.</summary>
public static class BuiltInHandlers
{
    /// <summary>
    /// Adds <c>echo</c> (its value is its arguments), <c>sleep</c> (<c>{"duration":"1.5s"}</c>), <c>exec</c>
    /// (<c>{"argv":["sha256sum","file"]}</c>, no shell) and <c>http</c> (<c>{"url":"https://…"}</c>).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A size in the options is too small.</exception>
    public static HandlerRegistry AddBuiltIns(this HandlerRegistry handlers, BuiltInOptions? options = null)
    {
        options ??= new();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxOutputBytes, 1024);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxBodyBytes, 1);
        handlers.Add("echo", new EchoHandler()).Add("sleep", new SleepHandler(options.Time));
        if (options.AllowExec) handlers.Add("exec", new ExecHandler(options.MaxOutputBytes));
        if (options.AllowHttp) handlers.Add("http", new HttpHandler(options));
        return handlers;
    }
}
