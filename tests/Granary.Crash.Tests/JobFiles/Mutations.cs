using System.Text;

namespace Granary.Crash.Tests.JobFiles;

/// <summary>Good job files, and small changes that make others of them.</summary>
internal static class Mutations
{
    private static readonly string[] s_words =
    [
        "null", "true", "0", "-1", "1e9", "1.0", "2147483648", "1000001", "10001", "\"\"", "\"1s\"", "\"-1s\"",
        "\"1.5m30s\"", "\"none\"", "\"none\\u0000\"", "\"\\ud800\"", "[]", "{}", "[[]]", "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}", "\"continue\"", "\"cancelPending\"", "\"ret\\u0072ies\":1", "\"retries\":1",
        "\"args\":null", "\"wait\":\"1s\"", "\"task\":\"echo\"", "\"chain\":[]", "\"batch\":{\"items\":[]}",
        "\"items\":[]", "\"steps\":[]", "\"key\":\"k\"", "\"deadline\":\"1h\"", "\"$schema\":\"x\"",
        "\"timeout\":\"none\"", "/* */", "//", ",", ":", "\u00A0", "\uFEFF", "\"maxConcurrency\":3",
        "\"name\":\"é😀\"", "{\"task\":\"echo\"}", "{\"wait\":\"1ms\"}", "NaN", "01", "+1", "1E400",
    ];

    private static readonly string[] s_good =
    [
        """
        {"batch":{"maxConcurrency":5,"onFailure":"continue","items":[
        {"task":"http","args":{"url":"https://a.example/b c"},"retries":3},
        {"chain":[{"task":"echo","args":{"text":"a"}},{"wait":"1m"},{"task":"echo"}]}]}}
        """,
        """
        {"chain":[{"task":"echo","args":[1, 2.50, -3e2, "\u00e9\n\"", null, true]},{"wait":"1d2h3m4s5ms"},
        {"task":"sleep","timeout":"none"}]}
        """,
        """
        {
          "$schema": "job.schema.json",
          "batch": {
            "key": "k", "name": "n", "delay": "0s", "retention": "1.5h", "deadline": "1h",
            "retries": 2, "backoff": "100ms", "maxBackoff": "10s", "timeout": "5s", "cancelGrace": "1s",
            "maxInterruptions": 7,
            "onFailure": "cancelPending",
            "items": [
              {"batch": {"maxConcurrency": 1, "retries": 0, "items": [{"task": "echo", "args": {"a": {"b": [{}]}}}]}},
              {"chain": {"deadline": "2m", "steps": [
                {"task": "echo", "retries": 1, "backoff": "0s", "deadline": "9s"}]}},
              {"task": "exec", "args": {"command": ["true"]}, "maxInterruptions": 0}
            ]
          }
        }
        """,
        """{"batch":{"items":[]}}""",
        """{"chain":{"name":"é","steps":[{"batch":{"items":[{"chain":[]},{"task":"echo"}]}},{"task":"echo"}]}}""",
    ];

    /// <summary>The files that all others are made from.</summary>
    public static IEnumerable<byte[]> Good => s_good.Select(Encoding.UTF8.GetBytes);

    /// <summary>A good file with one to three changes.</summary>
    public static byte[] Next(Random random)
    {
        var file = new List<byte>(Encoding.UTF8.GetBytes(s_good[random.Next(s_good.Length)]));
        for (int changes = 1 + random.Next(3); changes > 0; changes--) Change(file, random);
        return [.. file];
    }

    private static void Change(List<byte> file, Random random)
    {
        int at = random.Next(file.Count + 1);
        int length = Math.Min(file.Count - at, random.Next(1, 12));
        switch (random.Next(10))
        {
            case 0 when at < file.Count:
                file[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                file.RemoveRange(at, length);
                break;
            case 2:
                file.InsertRange(random.Next(file.Count + 1), file.GetRange(at, length));
                break;
            case 3:
                file.InsertRange(at, Encoding.UTF8.GetBytes(s_words[random.Next(s_words.Length)]));
                break;
            case 4:
                file.RemoveRange(at, file.Count - at);
                break;
            case 5:
                ReplaceToken(file, random);
                break;
            case 6:
                ReplaceTokenByLike(file, random);
                break;
            case 7 or 8:
                SwapTokens(file, random);
                break;
            default:
                file.InsertRange(at, Enumerable.Repeat((byte)"[{\" "[random.Next(4)], random.Next(1, 200)));
                break;
        }
    }

    // What stands between two marks, with another word; with a mark after it half of the time.
    private static void ReplaceToken(List<byte> file, Random random)
    {
        (int start, int end) = Token(file, random);
        string word = s_words[random.Next(s_words.Length)] + (random.Next(4) == 0 ? "," : "");
        file.RemoveRange(start, end - start);
        file.InsertRange(start, Encoding.UTF8.GetBytes(word));
    }

    // What stands between two marks, with something of its kind from a good file: often good again.
    private static void ReplaceTokenByLike(List<byte> file, Random random)
    {
        (int start, int end) = Token(file, random);
        if (start == end) return;
        var other = new List<byte>(Encoding.UTF8.GetBytes(s_good[random.Next(s_good.Length)]));
        for (int attempt = 0; attempt < 20; attempt++)
        {
            (int from, int to) = Token(other, random);
            if (from == to || Kind(other[from]) != Kind(file[start])) continue;
            file.RemoveRange(start, end - start);
            file.InsertRange(start, other[from..to]);
            return;
        }
    }

    private static int Kind(byte first) => first switch
    {
        (byte)'"' => 1,
        (byte)'-' or (>= (byte)'0' and <= (byte)'9') => 2,
        (byte)' ' or (byte)'\n' => 3,
        _ => 4,
    };

    private static void SwapTokens(List<byte> file, Random random)
    {
        (int firstStart, int firstEnd) = Token(file, random);
        byte[] first = [.. file[firstStart..firstEnd]];
        (int start, int end) = Token(file, random);
        if (start < firstEnd) return;
        byte[] second = [.. file[start..end]];
        file.RemoveRange(start, end - start);
        file.InsertRange(start, first);
        file.RemoveRange(firstStart, firstEnd - firstStart);
        file.InsertRange(firstStart, second);
    }

    private static (int Start, int End) Token(List<byte> file, Random random)
    {
        if (file.Count == 0) return (0, 0);
        int start = random.Next(file.Count), end = start;
        while (start > 0 && !IsMark(file[start - 1])) start--;
        while (end < file.Count && !IsMark(file[end])) end++;
        return (start, end);
    }

    private static bool IsMark(byte c) => "{}[],:"u8.Contains(c);
}
