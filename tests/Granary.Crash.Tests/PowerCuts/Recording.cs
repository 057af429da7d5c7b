using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Granary.Embedded.Sqlite;

namespace Granary.Crash.Tests.PowerCuts;

/// <summary>Reads what a victim did to its files from strace's record of it. A write counts from its call on, a sync
/// from its return: between the two, anything may have reached the disk.</summary>
internal sealed partial class Recording
{
    private readonly Victim _victim;
    private readonly Dictionary<int, (int File, int Position)> _open = [];
    private readonly Dictionary<string, int> _names = [];
    private readonly Dictionary<string, (string Call, string Arguments)> _unfinished = [];
    private readonly StringBuilder _diary = new();
    private readonly List<DiskEvent> _events = [];
    private int _files;
    private int _diaryDescriptor = -1;
    private int _directoryDescriptor = -1;

    private Recording(Victim victim) => _victim = victim;

    /// <summary>Runs a victim to its end and returns all that happened.</summary>
    public static async Task<List<DiskEvent>> OfAsync(string story, SyncMode synchronous)
    {
        using var victim = new Victim { Synchronous = synchronous };
        (List<DiskEvent> events, Ending ending) = await OfAsync(victim, story);
        Assert.True(ending.Code == 0, ending.Error);
        return events;
    }

    /// <summary>The same, with more arguments for strace, and the way it ended. A sync that failed is none.</summary>
    public static async Task<(List<DiskEvent> Events, Ending Ending)> OfAsync(
        Victim victim, string story, params string[] more)
    {
        Ending ending = await victim.RunAsync(
            story, ["--seccomp-bpf", "-y", "-xx", "-s", "10000000", "-P", victim.Database, "-P", victim.Log,
            "-P", victim.Directory, "-P", victim.Diary, "-o", victim.Trace,
            "-e", "trace=lseek,openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink,rename", .. more]);
        var recording = new Recording(victim);
        foreach (string line in File.ReadLines(victim.Trace)) recording.Take(line);
        List<Ack> told = [.. recording._events.OfType<Told>().Select(e => e.Ack)];
        Assert.Equal(victim.Acks, told);
        return (recording._events, ending);
    }

    private void Take(string line)
    {
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        string thread = line[..space];
        string rest = line[space..].TrimStart();
        if (rest.StartsWith("<... ", StringComparison.Ordinal))
        {
            (string call, string arguments) = _unfinished[thread];
            _unfinished.Remove(thread);
            Return(call, arguments, rest);
            return;
        }
        int open = rest.IndexOf('(', StringComparison.Ordinal);
        if (open < 0) return;
        string name = rest[..open], given = rest[(open + 1)..];
        Call(name, given);
        if (given.EndsWith("<unfinished ...>", StringComparison.Ordinal)) _unfinished[thread] = (name, given);
        else Return(name, given, rest);
    }

    private void Call(string call, string arguments)
    {
        if (call is not ("write" or "pwrite64" or "lseek")) return;
        int descriptor = Descriptor(arguments);
        if (descriptor == _diaryDescriptor)
        {
            if (call != "lseek") Tell(Unquote(arguments));
            return;
        }
        (int file, int position) = _open[descriptor];
        if (call == "lseek")
        {
            Assert.Contains("SEEK_SET", arguments, StringComparison.Ordinal);
            position = Number(Seek().Match(arguments).Groups[1].Value);
        }
        else
        {
            byte[] data = Unquote(arguments);
            if (call == "pwrite64") position = Number(PositionedWrite().Match(arguments).Groups[1].Value);
            _events.Add(new Written(file, position, data));
            position += data.Length;
        }
        _open[descriptor] = (file, position);
    }

    private void Return(string call, string arguments, string line)
    {
        Match result = Result().Match(line);
        Assert.True(result.Success, line);
        int value = Number(result.Groups[1].Value);
        if (value < 0) return;
        switch (call)
        {
            case "openat":
                Open(value, arguments);
                break;
            case "fsync" or "fdatasync":
                int synced = Descriptor(arguments);
                _events.Add(synced == _directoryDescriptor ? new NamesSynced() : new Synced(_open[synced].File));
                break;
            case "ftruncate":
                int length = Number(Truncation().Match(arguments).Groups[1].Value);
                _events.Add(new Resized(_open[Descriptor(arguments)].File, length));
                break;
            case "unlink":
                string name = Path.GetFileName(Encoding.UTF8.GetString(Unquote(arguments)));
                _names.Remove(name);
                _events.Add(new Removed(name));
                break;
            case "rename":
                Assert.Fail("The store renames a file; the replay must learn that.");
                break;
        }
    }

    private void Open(int descriptor, string arguments)
    {
        string path = Encoding.UTF8.GetString(Unquote(arguments));
        _open.Remove(descriptor);
        if (_directoryDescriptor == descriptor) _directoryDescriptor = -1;
        if (path == _victim.Diary) _diaryDescriptor = descriptor;
        else if (path == _victim.Directory) _directoryDescriptor = descriptor;
        else if (path == _victim.Database) _open[descriptor] = (FileOf("jobs.db"), 0);
        else if (path == _victim.Log) _open[descriptor] = (FileOf("jobs.db-wal"), 0);
    }

    private int FileOf(string name)
    {
        if (_names.TryGetValue(name, out int file)) return file;
        _names[name] = file = _files++;
        _events.Add(new Created(name, file));
        return file;
    }

    private void Tell(byte[] data)
    {
        _diary.Append(Encoding.UTF8.GetString(data));
        foreach (Ack ack in Ack.ParseAll(_diary.ToString())) _events.Add(new Told(ack));
        _diary.Clear();
    }

    private static int Descriptor(string arguments) =>
        Number(arguments[..arguments.IndexOf('<', StringComparison.Ordinal)]);

    // The text between the first two quotes, in which every byte is written as \xHH.
    private static byte[] Unquote(string arguments)
    {
        int start = arguments.IndexOf('"', StringComparison.Ordinal) + 1;
        int end = arguments.IndexOf('"', start);
        var data = new byte[(end - start) / 4];
        for (int i = 0; i < data.Length; i++)
        {
            ReadOnlySpan<char> digits = arguments.AsSpan(start + (i * 4) + 2, 2);
            data[i] = byte.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }
        return data;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@", (\d+), SEEK_SET")]
    private static partial Regex Seek();

    [GeneratedRegex(@", \d+, (\d+)( <|\))")]
    private static partial Regex PositionedWrite();

    [GeneratedRegex(@">, (\d+)( <|\))")]
    private static partial Regex Truncation();

    [GeneratedRegex(@"\)\s+= (-?\d+)")]
    private static partial Regex Result();
}
