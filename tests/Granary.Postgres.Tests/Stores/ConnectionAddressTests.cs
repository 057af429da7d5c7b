using Npgsql;
using Xunit;

namespace Granary.Postgres.Tests.Stores;

/// <summary>Addresses read as PostgreSQL's own programs read them.</summary>
public sealed class ConnectionAddressTests
{
    [Theory]
    [InlineData("postgres://", "", null)]
    [InlineData("postgres://h", "Host=h", null)]
    [InlineData("postgresql://h/d", "Host=h;Database=d", null)]
    [InlineData("postgres://u:p@h:5433/d", "Host=h;Port=5433;Username=u;Password=p;Database=d", null)]
    [InlineData("postgres://u%40x:p%3A%2F%3F@h/d%20e", "Host=h;Username=u@x;Password=\"p:/?\";Database=d e", null)]
    [InlineData("postgres://u@/d?host=%2Frun%2Fpg", "Host=/run/pg;Username=u;Database=d", null)]
    [InlineData("postgres://a:1,b:2/d?target_session_attrs=primary",
        "Host=\"a:1,b:2\";Database=d;Target Session Attributes=primary", null)]
    [InlineData("postgres://[::1]:5433/d", "Host=[::1];Port=5433;Database=d", null)]
    [InlineData("postgres://h/d?sslmode=verify-full&connect_timeout=3&schema=jobs",
        "Host=h;Database=d;SSL Mode=VerifyFull;Timeout=3", "jobs")]
    [InlineData("postgres://h/d?Maximum%20Pool%20Size=7", "Host=h;Database=d;Maximum Pool Size=7", null)]
    [InlineData("Host=h;Database=d", "Host=h;Database=d", null)]
    public void An_address_is_read(string text, string expected, string? schema)
    {
        (NpgsqlConnectionStringBuilder read, string? named) = ConnectionAddress.Parse(text);
        // Equivalent whatever their order.
        Assert.True(new NpgsqlConnectionStringBuilder(expected).EquivalentTo(read), read.ConnectionString);
        Assert.Equal(schema, named);
    }

    [Theory]
    [InlineData("postgres://h:port/d")]
    [InlineData("postgres://h/d?colour=blue")]
    [InlineData("postgres://h/d?sslmode=perhaps")]
    [InlineData("Colour=blue")]
    [InlineData("jobs.db")]
    public void What_cannot_be_read_is_refused_with_the_forms_that_can(string text)
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => ConnectionAddress.Parse(text));
        Assert.Contains("postgres://user:password@host", error.Message, StringComparison.Ordinal);
    }
}
