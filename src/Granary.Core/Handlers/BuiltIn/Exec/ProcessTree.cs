using System.Globalization;

namespace Granary;

/// <summary>
/// Finds a child's whole tree in <c>/proc</c>: its session, everything below those by parent, and everything seen in
/// it before, so that what moved to a session of its own and then lost its parent is found too. Where there is no
/// /proc, the session's group must do.
/// </summary>
internal static class ProcessTree
{
    /// <summary>A process; ids are used again, so its start time is part of its name.</summary>
    public readonly record struct Member(int Pid, ulong Started);

    private readonly record struct Row(int Pid, int Parent, int Session, ulong Started, bool Ended);

    /// <summary>The members that are running.</summary>
    public static List<Member> Find(int leader, IReadOnlySet<Member> seen)
    {
        if (!OperatingSystem.IsLinux()) return [];
        List<Row> all = Read();
        var members = new HashSet<int>();
        foreach (Row row in all)
            if (row.Session == leader || row.Pid == leader || seen.Contains(new(row.Pid, row.Started)))
                members.Add(row.Pid);
        for (int before = -1; before != members.Count;)
        {
            before = members.Count;
            foreach (Row row in all)
                if (members.Contains(row.Parent)) members.Add(row.Pid);
        }
        return [.. all.Where(r => members.Contains(r.Pid) && !r.Ended).Select(r => new Member(r.Pid, r.Started))];
    }

    private static List<Row> Read()
    {
        var rows = new List<Row>();
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out int pid)
                && TryRead(pid, out Row row)) rows.Add(row);
        return rows;
    }

    // "pid (name) state ppid pgrp session ...": the name may hold anything, so the fields are counted from the last
    // ')'.
    private static bool TryRead(int pid, out Row row)
    {
        row = default;
        try
        {
            string text = File.ReadAllText($"/proc/{pid}/stat");
            string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            row = new(
                pid, Number(fields[1]), Number(fields[3]), ulong.Parse(fields[19], CultureInfo.InvariantCulture),
                fields[0] is "Z" or "X");
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
