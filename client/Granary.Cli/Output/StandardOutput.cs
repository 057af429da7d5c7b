using Microsoft.Win32.SafeHandles;

namespace Granary.Cli;

/// <summary>Standard output as bytes.</summary>
internal static class StandardOutput
{
    private const int BrokenPipe = 32;

    /// <summary>Whether the reader of a pipe has gone, as <c>head</c> does.</summary>
    public static bool IsClosedPipe(IOException fault) =>
        fault.HResult == (OperatingSystem.IsWindows() ? unchecked((int)0x8007006D) : BrokenPipe);

    /// <summary>The console's stream says nothing when the reader of a pipe has gone; a plain stream on the pipe does.
    /// A file is left to the console's stream, which moves the shared position as other programs expect.</summary>
    public static Stream Open()
    {
        if (OperatingSystem.IsWindows()) return Console.OpenStandardOutput();
        var stream = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return stream.CanSeek || !Console.IsOutputRedirected ? Console.OpenStandardOutput() : stream;
    }
}
