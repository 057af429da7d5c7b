using System.Text;

namespace Granary.Postgres;

/// <summary>Where a store is, for SQL, for locks and for messages.</summary>
internal sealed class Place
{
    private readonly string _text;

    public Place(string schema, string host, string? database, string? role)
    {
        Schema = schema;
        Quoted = $"\"{schema}\"";
        Role = role ?? "the operating system's user";
        Lock = Hash(schema);
        _text = $"schema '{schema}' of database '{database ?? role}' on {host}";
    }

    public string Schema { get; }

    /// <summary>The schema's name as SQL has it.</summary>
    public string Quoted { get; }

    /// <summary>Who connects.</summary>
    public string Role { get; }

    /// <summary>The schema among those of its database, as a number of advisory locks.</summary>
    public int Lock { get; }

    /// <summary>Without a password, for people.</summary>
    public override string ToString() => _text;

    /// <summary>Refuses a name that SQL would have to escape.</summary>
    public static void CheckSchema(string schema)
    {
        bool good = schema.Length is > 0 and <= 63 && !char.IsAsciiDigit(schema[0])
            && schema.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_')
            && !schema.StartsWith("pg_", StringComparison.Ordinal);
        if (!good)
            throw new ArgumentException($"Schema is '{schema}'; use lower-case letters, digits and _, at most 63, " +
                "beginning with a letter and not with pg_.", nameof(schema));
    }

    // FNV-1a: the same number in every process and on every machine.
    private static int Hash(string text)
    {
        uint hash = 2166136261;
        foreach (byte b in Encoding.UTF8.GetBytes(text)) hash = (hash ^ b) * 16777619;
        return (int)hash;
    }
}

/// <summary>The first numbers of advisory locks; the second is the schema's. Everyone who writes shares
/// <see cref="Writing"/>, except for who owns the store alone.</summary>
internal static class Locks
{
    /// <summary>"Grny".</summary>
    public const int Writing = 0x47726E79;

    /// <summary>"Grnz".</summary>
    public const int Migrating = 0x47726E7A;
}
