using System.Runtime.InteropServices;
using System.Text;

namespace Granary;

/// <summary>
/// A child process in a session of its own: a signal to the session's group reaches all of it, and Ctrl-C in a terminal
/// reaches none of it. <c>posix_spawn</c> does that at no cost; the framework's own Process has no such setting, and
/// the <c>setsid</c> program costs a second exec.
/// </summary>
internal sealed class PosixProcess(ProcessSpec spec, CapturedOutput output, CapturedOutput errors) : ChildProcess
{
    [ThreadStatic] private static byte[]? t_buffer;

    private readonly Lock _lock = new();
    private readonly HashSet<ProcessTree.Member> _seen = [];
    private int _pid;
    private bool _ending;
    private bool _collected;

    public override Task<int> RunAsync() => ReaderThreads.Run(Run);

    public override void Terminate()
    {
        lock (_lock)
        {
            _ending = true;
            if (IsOurs) Signal(PosixCalls.SigTerm);
        }
    }

    public override bool IsTreeAlive()
    {
        lock (_lock) return IsOurs && Look().Count > 0;
    }

    public override bool KillTree()
    {
        lock (_lock) return IsOurs && Signal(PosixCalls.SigKill);
    }

    public override void Dispose()
    {
        lock (_lock)
        {
            if (!_ending) return;
            _ending = false;
        }
        // On another thread: what even SIGKILL could not end yet would be waited for here.
        _ = ReaderThreads.Run(Collect);
    }

    // Its id, and its group's, stay its own until it is collected; later they may be anybody's.
    private bool IsOurs => _pid != 0 && !_collected;

    private int Run()
    {
        (int Read, int Write) outputs = (-1, -1), failures = (-1, -1), input = (-1, -1);
        try
        {
            bool piped = PosixCalls.TryPipe(out outputs) && PosixCalls.TryPipe(out failures)
                && (spec.Args.Stdin is null || PosixCalls.TryPipe(out input));
            if (!piped) throw NotStarted(spec.Args.Argv[0], "this process has too many open files", retryable: true);
            Spawn(input.Read, outputs.Write, failures.Write);
            Close(ref outputs.Write);
            Close(ref failures.Write);
            Close(ref input.Read);
            Pump(ref input.Write, ref outputs.Read, ref failures.Read);
        }
        finally
        {
            foreach (int end in (ReadOnlySpan<int>)
                [outputs.Read, outputs.Write, failures.Read, failures.Write, input.Read, input.Write])
                if (end >= 0) _ = PosixCalls.close(end);
        }
        PosixCalls.AwaitExit(_pid);
        return Collect();
    }

    private void Spawn(int input, int outputs, int failures)
    {
        using var memory = new NativeStrings();
        nint actions = memory.Zeroed(512), attributes = memory.Zeroed(512), signals = memory.Zeroed(128);
        _ = PosixCalls.posix_spawn_file_actions_init(actions);
        _ = PosixCalls.posix_spawnattr_init(attributes);
        try
        {
            if (input < 0) _ = PosixCalls.posix_spawn_file_actions_addopen(actions, 0, memory.Text("/dev/null"), 0, 0);
            else _ = PosixCalls.posix_spawn_file_actions_adddup2(actions, input, 0);
            _ = PosixCalls.posix_spawn_file_actions_adddup2(actions, outputs, 1);
            _ = PosixCalls.posix_spawn_file_actions_adddup2(actions, failures, 2);
            if (spec.Args.Cwd is { } cwd)
                _ = PosixCalls.posix_spawn_file_actions_addchdir_np(actions, memory.Text(cwd));
            _ = PosixCalls.posix_spawnattr_setflags(attributes, PosixCalls.SpawnFlags);
            _ = PosixCalls.sigemptyset(signals);
            _ = PosixCalls.posix_spawnattr_setsigmask(attributes, signals);
            // The runtime ignores SIGPIPE, and what is ignored stays so in the program: `yes | head` would not end.
            _ = PosixCalls.sigaddset(signals, PosixCalls.SigPipe);
            PosixCalls.HearOfChildren();
            _ = PosixCalls.posix_spawnattr_setsigdefault(attributes, signals);
            Start(memory, actions, attributes);
        }
        finally
        {
            _ = PosixCalls.posix_spawnattr_destroy(attributes);
            _ = PosixCalls.posix_spawn_file_actions_destroy(actions);
        }
    }

    private void Start(NativeStrings memory, nint actions, nint attributes)
    {
        string program = spec.Args.Argv[0];
        nint argv = memory.Array(spec.Args.Argv);
        nint environment = memory.Array([.. spec.Environment.Select(v => $"{v.Key}={v.Value}")]);
        int error;
        lock (_lock)
        {
            if (_ending) throw new OperationCanceledException();
            error = PosixCalls.posix_spawnp(out int pid, memory.Text(program), actions, attributes, argv, environment);
            if (error == 0) _pid = pid;
        }
        if (error == 0) return;
        throw error switch
        {
            PosixCalls.NoSuchFile or PosixCalls.NotADirectory => NotFound(program),
            PosixCalls.AccessDenied or PosixCalls.NotPermitted =>
                NotStarted(program, "it may not be executed by this user", retryable: false),
            PosixCalls.NotExecutable => NotStarted(program, "it is no program, and has no #! line", retryable: false),
            PosixCalls.TooManyArguments =>
                NotStarted(program, "its arguments are longer than the system allows", retryable: false),
            _ => NotStarted(program, Marshal.GetPInvokeErrorMessage(error), retryable: true),
        };
    }

    /// <summary>Moves bytes until both outputs are closed.</summary>
    private void Pump(ref int input, ref int outputs, ref int failures)
    {
        byte[] buffer = t_buffer ??= new byte[32 * 1024];
        byte[] text = Encoding.UTF8.GetBytes(spec.Args.Stdin ?? "");
        int sent = 0;
        var polled = new PosixCalls.Polled[3];
        while (outputs >= 0 || failures >= 0)
        {
            polled[0] = new() { Descriptor = outputs, Wanted = PosixCalls.PollIn };
            polled[1] = new() { Descriptor = failures, Wanted = PosixCalls.PollIn };
            polled[2] = new() { Descriptor = input, Wanted = PosixCalls.PollOut };
            if (PosixCalls.poll(polled, (nuint)polled.Length, -1) < 0) continue;
            if (polled[0].Ready != 0) Drain(ref outputs, output, buffer);
            if (polled[1].Ready != 0) Drain(ref failures, errors, buffer);
            if (polled[2].Ready != 0) Feed(ref input, text, ref sent);
        }
    }

    private static void Drain(ref int from, CapturedOutput to, byte[] buffer)
    {
        nint got = PosixCalls.read(from, buffer, buffer.Length);
        if (got > 0) to.Append(buffer.AsSpan(0, (int)got));
        else if (got == 0 || Marshal.GetLastPInvokeError() != PosixCalls.Interrupted) Close(ref from);
    }

    // At most what a ready pipe surely takes: a write that blocked would leave the outputs unread.
    private static void Feed(ref int to, byte[] text, ref int sent)
    {
        int count = Math.Min(text.Length - sent, PosixCalls.PipeRoom);
        nint written = count == 0 ? 0 : PosixCalls.write(to, in text[sent], count);
        sent += (int)Math.Max(written, 0);
        bool refused = written < 0 && Marshal.GetLastPInvokeError() != PosixCalls.Interrupted;
        if (refused || sent == text.Length) Close(ref to);
    }

    private static void Close(ref int descriptor)
    {
        if (descriptor >= 0) _ = PosixCalls.close(descriptor);
        descriptor = -1;
    }

    private int Collect()
    {
        lock (_lock)
        {
            // While the tree is being ended the id must stay taken; Dispose comes back for it.
            if (!IsOurs || _ending) return 0;
            _collected = true;
        }
        return PosixCalls.Collect(_pid);
    }

    private bool Signal(int signal)
    {
        // Looked at before anything is signaled: a child that left the group is known only through a parent that is
        // still there.
        List<ProcessTree.Member> alive = Look();
        _ = PosixCalls.kill(-_pid, signal);
        foreach (ProcessTree.Member member in alive) _ = PosixCalls.kill(member.Pid, signal);
        return alive.Count > 0;
    }

    private List<ProcessTree.Member> Look()
    {
        List<ProcessTree.Member> alive = ProcessTree.Find(_pid, _seen);
        _seen.UnionWith(alive);
        return alive;
    }
}
