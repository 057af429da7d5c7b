using System.Globalization;
using Npgsql;

namespace Granary.Postgres;

/// <summary>Reads where a database is: Npgsql's form, or the address that PostgreSQL's own programs take.</summary>
internal static class ConnectionAddress
{
    private static readonly string[] s_schemes = ["postgres://", "postgresql://"];

    // PostgreSQL's names that are not Npgsql's. An empty one has no meaning here and is passed over.
    private static readonly Dictionary<string, string> s_names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["sslmode"] = "SSL Mode",
        ["sslrootcert"] = "Root Certificate",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["sslpassword"] = "SSL Password",
        ["sslnegotiation"] = "SSL Negotiation",
        ["channel_binding"] = "Channel Binding",
        ["connect_timeout"] = "Timeout",
        ["application_name"] = "Application Name",
        ["target_session_attrs"] = "Target Session Attributes",
        ["passfile"] = "Passfile",
        ["options"] = "Options",
        ["host"] = "Host",
        ["port"] = "Port",
        ["user"] = "Username",
        ["password"] = "Password",
        ["dbname"] = "Database",
        ["client_encoding"] = "",
    };

    /// <summary>Whether this is an address and not Npgsql's form.</summary>
    public static bool IsAddress(string text) =>
        Array.Exists(s_schemes, scheme => text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads either form; an address may also say <c>schema=…</c>.</summary>
    /// <exception cref="ArgumentException">It is neither; the message says what is wrong and shows no
    /// password.</exception>
    public static (NpgsqlConnectionStringBuilder Connection, string? Schema) Parse(string text)
    {
        try
        {
            return IsAddress(text) ? ParseAddress(text) : (new NpgsqlConnectionStringBuilder(text), null);
        }
        catch (Exception error) when (error is KeyNotFoundException or FormatException or InvalidCastException
            or ArgumentException)
        {
            throw new ArgumentException($"The connection string cannot be read: {error.Message} Write it as " +
                "Host=…;Username=…;Password=…;Database=… or as postgres://user:password@host:port/database.", error);
        }
    }

    private static (NpgsqlConnectionStringBuilder Connection, string? Schema) ParseAddress(string text)
    {
        string? schema = null;
        var builder = new NpgsqlConnectionStringBuilder();
        (string rest, string query) = Cut(text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..], '?');
        (string authority, string database) = Cut(rest, '/');
        int at = authority.LastIndexOf('@');
        if (at >= 0)
        {
            (string user, string password) = Cut(authority[..at], ':');
            if (user.Length > 0) builder.Username = Uri.UnescapeDataString(user);
            if (password.Length > 0) builder.Password = Uri.UnescapeDataString(password);
        }
        string hosts = authority[(at + 1)..];
        if (hosts.Length > 0) SetHosts(builder, hosts);
        if (database.Length > 0) builder.Database = Uri.UnescapeDataString(database);
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            (string name, string value) = Cut(pair, '=');
            name = Uri.UnescapeDataString(name);
            value = Uri.UnescapeDataString(value);
            if (name == "schema") schema = value;
            else Set(builder, name, value);
        }
        return (builder, schema);
    }

    private static void SetHosts(NpgsqlConnectionStringBuilder builder, string hosts)
    {
        string[] all = hosts.Split(',');
        builder.Host = string.Join(',', all.Select(Uri.UnescapeDataString));
        // One host keeps its port apart; of several, each carries its own.
        if (all.Length > 1) return;
        int colon = hosts.LastIndexOf(':');
        if (colon < 0 || hosts.EndsWith(']')) return;
        builder.Host = Uri.UnescapeDataString(hosts[..colon]);
        builder.Port = int.Parse(hosts.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static void Set(NpgsqlConnectionStringBuilder builder, string name, string value)
    {
        if (s_names.TryGetValue(name, out string? known)) name = known;
        if (name == "SSL Mode") value = value.Replace("-", "", StringComparison.Ordinal);
        if (name.Length > 0) builder[name] = value;
    }

    private static (string Before, string After) Cut(string text, char at)
    {
        int place = text.IndexOf(at, StringComparison.Ordinal);
        return place < 0 ? (text, "") : (text[..place], text[(place + 1)..]);
    }
}
