using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Granary.Cli.Tests;

/// <summary>A command that runs, with what it has printed so far.</summary>
internal sealed class LiveCommand : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Printed _output = new();
    private readonly Printed _error = new();
    private readonly Task _reading;

    public LiveCommand(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(_output.ReadAsync(process.StandardOutput), _error.ReadAsync(process.StandardError));
    }

    public int Id => _process.Id;

    /// <summary>Waits until standard output holds a text.</summary>
    public Task OutputHasAsync(string text) => _output.HasAsync(text);

    /// <summary>Waits until standard error holds a text.</summary>
    public Task ErrorHasAsync(string text) => _error.HasAsync(text);

    public async Task WriteAsync(string text)
    {
        await _process.StandardInput.WriteAsync(text);
        await _process.StandardInput.FlushAsync();
    }

    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Stops reading what it prints, as <c>head</c> does.</summary>
    public void CloseOutput() => _process.StandardOutput.Close();

    public void Interrupt() => Signal(2);

    public void Terminate() => Signal(15);

    /// <summary>As <c>kill -9</c>: this process only.</summary>
    public async Task KillAsync()
    {
        Signal(9);
        await _process.WaitForExitAsync();
    }

    public async Task<Finished> EndAsync()
    {
        using var limit = new CancellationTokenSource(Workspace.Patience);
        await _process.WaitForExitAsync(limit.Token);
        // A grandchild that was left behind may keep the pipes open: do not wait for it.
        await Task.WhenAny(_reading, Task.Delay(TimeSpan.FromSeconds(5), limit.Token));
        return new Finished(_process.ExitCode, _output.Text, _error.Text);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private void Signal(int signal) => Assert.Equal(0, kill(_process.Id, signal));

    [DllImport("libc"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int process, int signal);

    /// <summary>A stream's text so far, and those who wait for more of it.</summary>
    private sealed class Printed
    {
        private readonly StringBuilder _text = new();
        private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _ended;

        public string Text
        {
            get
            {
                lock (_text) return _text.ToString();
            }
        }

        public async Task ReadAsync(StreamReader reader)
        {
            char[] buffer = new char[4096];
            try
            {
                for (int read; (read = await reader.ReadAsync(buffer)) > 0;) Add(buffer.AsSpan(0, read), ended: false);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
            {
                // Closed on purpose.
            }
            Add(default, ended: true);
        }

        public async Task HasAsync(string text)
        {
            using var limit = new CancellationTokenSource(Workspace.Patience);
            while (true)
            {
                Task more;
                bool ended;
                lock (_text)
                {
                    if (_text.ToString().Contains(text, StringComparison.Ordinal)) return;
                    (more, ended) = (_more.Task, _ended);
                }
                if (ended) Assert.Fail($"It ended without printing '{text}':\n{Text}");
                try
                {
                    await more.WaitAsync(limit.Token);
                }
                catch (OperationCanceledException)
                {
                    Assert.Fail($"It did not print '{text}' in time:\n{Text}");
                }
            }
        }

        private void Add(ReadOnlySpan<char> text, bool ended)
        {
            lock (_text)
            {
                _text.Append(text);
                _ended |= ended;
                _more.SetResult();
                _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }
}
