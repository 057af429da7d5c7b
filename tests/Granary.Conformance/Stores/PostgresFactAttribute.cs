using Xunit;

namespace Granary.Conformance.Stores;

/// <summary>A test that needs PostgreSQL, among others that do not.</summary>
public sealed class PostgresFactAttribute : FactAttribute
{
    /// <summary>Says why it is skipped where there is no PostgreSQL.</summary>
    public PostgresFactAttribute() => Skip = PostgresServer.Missing;
}
