namespace Granary.Cli;

/// <summary>Finds the word that was probably meant.</summary>
internal static class Nearest
{
    /// <summary>The nearest of the known words, or null when none is near.</summary>
    public static string? Find(string word, IEnumerable<string> known)
    {
        string? best = null;
        int bestDistance = (word.Length < 4 ? 1 : Math.Clamp(word.Length / 3, 2, 4)) + 1;
        foreach (string candidate in known)
        {
            int distance = Distance(word, candidate);
            if (distance < bestDistance) (best, bestDistance) = (candidate, distance);
        }
        return best;
    }

    // Levenshtein's edit distance without regard to case.
    private static int Distance(string from, string to)
    {
        if (from.Length > 64) return int.MaxValue;
        int[] row = new int[to.Length + 1];
        for (int j = 0; j <= to.Length; j++) row[j] = j;
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int substitute =
                    diagonal + (char.ToUpperInvariant(from[i - 1]) == char.ToUpperInvariant(to[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substitute, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[to.Length];
    }
}
