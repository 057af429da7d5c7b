using System.Text.Json;

namespace Granary.Cli.Tests;

/// <summary>The published schema says what the reader reads.</summary>
public sealed class SchemaTests
{
    private readonly JsonElement _schema;

    public SchemaTests()
    {
        using Stream stream = SchemaVerb.Open();
        _schema = JsonDocument.Parse(stream).RootElement;
    }

    [Fact]
    public void It_names_the_same_fields_as_the_reader()
    {
        Assert.Equal(Names(JobFields.RootBatch, "items"), Properties("rootBatch"));
        Assert.Equal(Names(JobFields.RootChain, "steps"), Properties("rootChain"));
        Assert.Equal(Names(JobFields.Batch), Properties("batch"));
        Assert.Equal(Names(JobFields.Chain), Properties("chain"));
        Assert.Equal(Names(JobFields.Item), Properties("item").Concat(Properties("wait"))
            .Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_object_in_it_refuses_unknown_fields()
    {
        foreach (JsonProperty definition in _schema.GetProperty("$defs").EnumerateObject())
            if (definition.Value.TryGetProperty("properties", out _))
                Assert.False(definition.Value.GetProperty("additionalProperties").GetBoolean(), definition.Name);
    }

    [Fact]
    public void Its_limits_are_the_limits_of_the_core()
    {
        JsonElement definitions = _schema.GetProperty("$defs");
        Assert.Equal(JobDefaults.MaxConcurrencyLimit, definitions.GetProperty("maxConcurrency").GetProperty("maximum")
            .GetInt32());
        Assert.Equal(JobDefaults.MaxNameLength, definitions.GetProperty("text").GetProperty("maxLength").GetInt32());
    }

    [Fact]
    public void Every_reference_in_it_has_its_target()
    {
        string text = _schema.GetRawText();
        foreach (string piece in text.Split("#/$defs/").Skip(1))
            Assert.True(_schema.GetProperty("$defs")
                .TryGetProperty(piece[..piece.IndexOf('"', StringComparison.Ordinal)], out _), piece[..20]);
    }

    private IEnumerable<string> Properties(string definition) => _schema.GetProperty("$defs").GetProperty(definition)
        .GetProperty("properties").EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Names<T>(JobField<T>[] fields, params string[] more) =>
        fields.Select(field => field.Name).Concat(more).Order(StringComparer.Ordinal);
}
