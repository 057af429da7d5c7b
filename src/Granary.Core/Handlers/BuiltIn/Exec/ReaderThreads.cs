namespace Granary;

/// <summary>
/// Threads that follow one child process each, kept a while for the next. The thread pool would be the wrong place:
/// reading a pipe blocks, and a hundred running programs would stop everything else in it.
/// </summary>
internal static class ReaderThreads
{
    private static readonly TimeSpan s_keep = TimeSpan.FromSeconds(5);
    private static readonly Lock s_lock = new();
    private static readonly List<Worker> s_idle = [];

    /// <summary>Runs it on a thread that nothing else uses meanwhile.</summary>
    public static Task<T> Run<T>(Func<T> function)
    {
        var ended = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Take().Give(() =>
        {
            try
            {
                T value = function();
                return () => ended.SetResult(value);
            }
            catch (Exception e)
            {
                return () => ended.SetException(e);
            }
        });
        return ended.Task;
    }

    private static Worker Take()
    {
        lock (s_lock)
        {
            if (s_idle.Count == 0) return new Worker();
            Worker last = s_idle[^1];
            s_idle.RemoveAt(s_idle.Count - 1);
            return last;
        }
    }

    private sealed class Worker
    {
        private readonly object _gate = new();
        private Func<Action>? _work;

        public Worker() =>
            new Thread(Loop, maxStackSize: 256 * 1024) { IsBackground = true, Name = "granary exec" }.UnsafeStart();

        public void Give(Func<Action> work)
        {
            lock (_gate)
            {
                _work = work;
                Monitor.Pulse(_gate);
            }
        }

        private void Loop()
        {
            while (Next() is { } work)
            {
                Action report = work();
                // Idle first: whoever hears of the end and starts the next finds this thread.
                lock (s_lock) s_idle.Add(this);
                report();
            }
        }

        private Func<Action>? Next()
        {
            lock (_gate)
            {
                while (_work is null)
                    if (!Monitor.Wait(_gate, s_keep) && _work is null && TryRetire()) return null;
                Func<Action> work = _work;
                _work = null;
                return work;
            }
        }

        // Not in the list: somebody has just taken this one and is about to give it work.
        private bool TryRetire()
        {
            lock (s_lock) return s_idle.Remove(this);
        }
    }
}
