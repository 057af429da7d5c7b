using System.Runtime.CompilerServices;

namespace Granary.Conformance.Engines;

/// <summary>Waits that end in a failure where a promise is broken, and not in a run that hangs.</summary>
public static class SoonExtensions
{
    /// <summary>Only what is broken takes this long.</summary>
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

    public static async Task<T> Soon<T>(this Task<T> task, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        await ((Task)task).Soon(what);
        return await task;
    }

    public static async Task Soon(this Task task, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        try
        {
            await task.WaitAsync(s_hang);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            Assert.Fail($"Did not happen: {what}");
        }
    }

    /// <summary>Asks until it is so; for what an engine shows and does not signal.</summary>
    public static async Task Eventually(
        Func<Task<bool>> isSo, [CallerArgumentExpression(nameof(isSo))] string what = "")
    {
        long end = Environment.TickCount64 + (long)s_hang.TotalMilliseconds;
        while (!await isSo())
        {
            if (Environment.TickCount64 > end) Assert.Fail($"Did not come to be: {what}");
            await Task.Delay(2);
        }
    }
}
