using System.Runtime.InteropServices;

namespace Granary;

/// <summary>The system calls of <see cref="PosixProcess"/>, as Linux (glibc, musl) and macOS have them.</summary>
internal static class PosixCalls
{
    public const int SigKill = 9;
    public const int SigPipe = 13;
    public const int SigTerm = 15;
    public const short PollIn = 1;
    public const short PollOut = 4;
    public const int NotPermitted = 1;
    public const int NoSuchFile = 2;
    public const int Interrupted = 4;
    public const int TooManyArguments = 7;
    public const int NotExecutable = 8;
    public const int AccessDenied = 13;
    public const int NotADirectory = 20;

    // posix_spawn: default signals 4, signal mask 8; a session of its own and, on macOS, nothing inherited but what
    // is named.
    public static readonly short SpawnFlags = OperatingSystem.IsMacOS()
        ? (short)(4 | 8 | 0x400 | 0x4000)
        : (short)(4 | 8 | 0x80);

    /// <summary>What a pipe that is ready surely takes without blocking (PIPE_BUF).</summary>
    public static readonly int PipeRoom = OperatingSystem.IsLinux() ? 4096 : 512;

    public static readonly int SigChild = OperatingSystem.IsLinux() ? 17 : 20;

    private const int CloseOnExec = 0x80000;
    private const int ByPid = 1;
    private static readonly int s_exitedButKept = 4 | (OperatingSystem.IsLinux() ? 0x0100_0000 : 0x20);

    /// <summary>Makes a pipe that programs do not inherit: its reading end, then its writing end.</summary>
    public static bool TryPipe(out (int Read, int Write) ends)
    {
        int[] pair = [-1, -1];
        int made = OperatingSystem.IsLinux() ? pipe2(pair, CloseOnExec) : pipe(pair);
        ends = (pair[0], pair[1]);
        return made == 0;
    }

    /// <summary>Waits until the child has exited, and leaves it to be waited for: its id stays taken.</summary>
    public static void AwaitExit(int pid)
    {
        byte[] info = new byte[128];
        while (waitid(ByPid, (uint)pid, info, s_exitedButKept) != 0 && Marshal.GetLastPInvokeError() == Interrupted) { }
    }

    /// <summary>
    /// A process may be started with the ends of its children ignored; the system then forgets their exit codes.
    /// </summary>
    public static void HearOfChildren()
    {
        const nint asUsual = 0, ignored = 1;
        // Only looked at first: the runtime's own handler must stay as it is.
        nint[] action = new nint[64];
        if (sigaction(SigChild, 0, action) == 0 && action[0] == ignored) _ = signal(SigChild, asUsual);
    }

    /// <summary>
    /// The exit code of a child that has exited, 128 + signal as shells say it; -1 when somebody else collected it.
    /// </summary>
    public static int Collect(int pid)
    {
        int got, status;
        while ((got = waitpid(pid, out status, 0)) < 0 && Marshal.GetLastPInvokeError() == Interrupted) { }
        if (got != pid) return -1;
        int signal = status & 0x7f;
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Polled
    {
        public int Descriptor;
        public short Wanted;
        public short Ready;
    }

// The names are the system's; all arguments are blittable, so no marshalling code is needed.
#pragma warning disable IDE1006, SYSLIB1054
    [DllImport("libc")] public static extern int posix_spawnp(
        out int pid, nint program, nint actions, nint attributes, nint argv, nint environment);

    [DllImport("libc")] public static extern int posix_spawnattr_init(nint attributes);

    [DllImport("libc")] public static extern int posix_spawnattr_destroy(nint attributes);

    [DllImport("libc")] public static extern int posix_spawnattr_setflags(nint attributes, short flags);

    [DllImport("libc")] public static extern int posix_spawnattr_setsigdefault(nint attributes, nint signals);

    [DllImport("libc")] public static extern int posix_spawnattr_setsigmask(nint attributes, nint signals);

    [DllImport("libc")] public static extern int posix_spawn_file_actions_init(nint actions);

    [DllImport("libc")] public static extern int posix_spawn_file_actions_destroy(nint actions);

    [DllImport("libc")] public static extern int posix_spawn_file_actions_adddup2(nint actions, int from, int to);

    [DllImport("libc")]
    public static extern int posix_spawn_file_actions_addopen(nint actions, int to, nint path, int flags, uint mode);

    [DllImport("libc")] public static extern int posix_spawn_file_actions_addchdir_np(nint actions, nint path);

    [DllImport("libc")] public static extern int sigemptyset(nint signals);

    [DllImport("libc")] public static extern int sigaddset(nint signals, int signal);

    [DllImport("libc")] private static extern int sigaction(int signal, nint action, [Out] nint[] before);

    [DllImport("libc")] private static extern nint signal(int signal, nint handler);

    [DllImport("libc", SetLastError = true)] public static extern int kill(int pid, int signal);

    [DllImport("libc", SetLastError = true)]
    public static extern nint read(int descriptor, [Out] byte[] buffer, nint count);

    [DllImport("libc", SetLastError = true)] public static extern nint write(int descriptor, in byte first, nint count);

    [DllImport("libc", SetLastError = true)]
    public static extern int poll([In, Out] Polled[] descriptors, nuint count, int milliseconds);

    [DllImport("libc")] public static extern int close(int descriptor);

    [DllImport("libc", SetLastError = true)] private static extern int pipe([Out] int[] ends);

    [DllImport("libc", SetLastError = true)] private static extern int pipe2([Out] int[] ends, int flags);

    [DllImport("libc", SetLastError = true)] private static extern int waitpid(int pid, out int status, int options);

    [DllImport("libc", SetLastError = true)]
    private static extern int waitid(int kind, uint id, [Out] byte[] info, int options);
#pragma warning restore IDE1006, SYSLIB1054
}
