using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Granary.Cli;

/// <summary>Writes lines of JSON to a stream, gathered into large writes; what a reader should see now is
/// flushed.</summary>
internal sealed class LineOutput : IDisposable
{
    private const int FlushAt = 1 << 16;

    private readonly Stream _stream;
    private readonly ArrayBufferWriter<byte> _pending = new(FlushAt);
    private readonly Utf8JsonWriter _json;
    private readonly ArrayBufferWriter<byte> _line = new();

    public LineOutput(Stream stream)
    {
        _stream = stream;
        _json = new Utf8JsonWriter(_line, OutcomeJson.WriterOptions);
    }

    /// <summary>Called around each write to the stream; a terminal's progress line steps aside there.</summary>
    public Func<IDisposable?> Around { get; set; } = static () => null;

    /// <summary>One line.</summary>
    public void Write<T>(T value, Action<Utf8JsonWriter, T> write)
    {
        _line.ResetWrittenCount();
        _json.Reset(_line);
        write(_json, value);
        _json.Flush();
        _pending.Write(JsonText.OneLine(_line.WrittenMemory).Span);
        _pending.Write("\n"u8);
        if (_pending.WrittenCount >= FlushAt) Flush();
    }

    /// <summary>One line of text that is safe to show.</summary>
    public void WriteText(string line)
    {
        Encoding.UTF8.GetBytes(line, _pending);
        _pending.Write("\n"u8);
        if (_pending.WrittenCount >= FlushAt) Flush();
    }

    public void Flush()
    {
        if (_pending.WrittenCount == 0) return;
        using IDisposable? around = Around();
        try
        {
            _stream.Write(_pending.WrittenSpan);
            _stream.Flush();
        }
        finally
        {
            _pending.ResetWrittenCount();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Flush();
        _json.Dispose();
        _stream.Dispose();
    }
}
