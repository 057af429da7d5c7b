using System.Text;
using System.Text.Json;

namespace Granary.Cli;

/// <summary>
/// Reads JSON token by token from a stream in bounded memory, and knows the line, column and field of each token.
/// Only one token, or one captured value, is ever held.
/// </summary>
internal sealed class JsonSource
{
    // Room for the largest allowed value with some white space in it, and one read more.
    private const int MaxBuffer = 4 * JobDefaults.MaxArgumentBytes;

    private readonly Stream _stream;
    private readonly string _file;
    private readonly string _what = "file";
    private readonly List<(string? Name, int Index)> _path = [];
    private byte[] _buffer;
    private int _length;
    private int _at;
    private int _pin = -1;
    private int _checked;
    private bool _ended;
    private JsonReaderState _state = new(new JsonReaderOptions { MaxDepth = 1000 });
    private TextTracker _tracker = new();
    private int _tracked;
    private readonly long _firstLine = 1;
    private int _tokenStart;
    private int _valueLength;
    private bool _escaped;

    /// <summary>Reads one line of a file.</summary>
    public JsonSource(InputLine line, string file)
    {
        (_stream, _file, _what, _buffer) =
            (new MemoryStream(line.Text.ToArray()), file, "line", new byte[line.Text.Length + 1]);
        _tracker = TextTracker.AtLine(_firstLine = line.Number);
        Fill();
    }

    /// <summary>Reads a whole file.</summary>
    public JsonSource(Stream stream, string file)
    {
        (_stream, _file, _buffer) = (stream, file, new byte[1 << 16]);
        while (_length < 3 && !_ended) Fill();
        if (_buffer.AsSpan(0, _length) is [0xEF, 0xBB, 0xBF, ..]) _at = _tracked = 3;
    }

    /// <summary>The token that was read last.</summary>
    public JsonTokenType Token { get; private set; }

    /// <summary>The bytes of a string or name as they stand, without the quotes.</summary>
    public ReadOnlySpan<byte> RawText => _buffer.AsSpan(_tokenStart + 1, _valueLength);

    /// <summary>The next token; false at the end of the file.</summary>
    public bool Read()
    {
        while (true)
        {
            var reader = new Utf8JsonReader(_buffer.AsSpan(_at, _length - _at), _ended, _state);
            bool read;
            try
            {
                read = reader.Read();
            }
            catch (JsonException e)
            {
                throw SyntaxFault(e);
            }
            _tokenStart = _at + (int)reader.TokenStartIndex;
            _at += (int)reader.BytesConsumed;
            _state = reader.CurrentState;
            if (read)
            {
                Token = reader.TokenType;
                _escaped = reader.ValueIsEscaped;
                _valueLength = reader.ValueSpan.Length;
                return true;
            }
            if (_ended) return false;
            Fill();
        }
    }

    /// <summary>The next token, where the grammar has one.</summary>
    public void Advance()
    {
        if (!Read()) throw Fault($"the {_what} ends too early");
    }

    /// <summary>The text of a string or name.</summary>
    public string Text()
    {
        if (!_escaped) return Encoding.UTF8.GetString(RawText);
        var reader = new Utf8JsonReader(_buffer.AsSpan(_tokenStart, _valueLength + 2));
        reader.Read();
        try
        {
            string text = reader.GetString()!;
            return text.Contains('\0') ? throw Fault("holds a NUL character") : text;
        }
        catch (InvalidOperationException)
        {
            throw Fault("is not valid Unicode text: it holds half of a surrogate pair");
        }
    }

    /// <summary>The value of a number that is whole and fits.</summary>
    public bool TryWhole(out int value)
    {
        var reader = new Utf8JsonReader(_buffer.AsSpan(_tokenStart, _valueLength));
        reader.Read();
        return reader.TryGetInt32(out value);
    }

    /// <summary>A number as it stands, for messages.</summary>
    public string NumberText() => Encoding.UTF8.GetString(_buffer.AsSpan(_tokenStart, Math.Min(_valueLength, 40)));

    /// <summary>Checks the strings of the current value, reads over it, and returns it without its white
    /// space.</summary>
    public ReadOnlyMemory<byte> Capture(int maxBytes, int maxDepth)
    {
        _pin = _tokenStart;
        var names = new Stack<HashSet<string>?>();
        do
        {
            switch (Token)
            {
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    names.Push(Token == JsonTokenType.StartObject ? new(StringComparer.Ordinal) : null);
                    if (names.Count > maxDepth) throw Fault($"is nested deeper than {maxDepth} levels");
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    names.Pop();
                    break;
                case JsonTokenType.PropertyName:
                    string name = Text();
                    if (!names.Peek()!.Add(name)) throw Fault($"the field {Quote(name)} is given twice");
                    break;
                case JsonTokenType.String when _escaped:
                    Text();
                    break;
            }
            if (names.Count > 0) Advance();
        }
        while (names.Count > 0);
        int start = _pin;
        _pin = -1;
        ReadOnlyMemory<byte> compact = JsonText.Compact(_buffer.AsMemory(start, _at - start));
        if (compact.Length <= maxBytes) return compact.ToArray();
        _tokenStart = start;
        throw TooLarge();
    }

    public void Enter(string name) => _path.Add((name, 0));

    public void Enter(int index) => _path.Add((null, index));

    public void Leave() => _path.RemoveAt(_path.Count - 1);

    /// <summary>A fault at the current token and field.</summary>
    public CliException Fault(string message, string hint = "") => FaultAt(_tokenStart, message, hint);

    /// <summary>Where the current token stands.</summary>
    public TextPosition Position => PositionOf(_tokenStart);

    /// <summary>A fault of the current field at another place.</summary>
    public CliException Fault(TextPosition at, string message, string hint = "") =>
        CliException.At(_file, at, Prefix() + message, hint);

    public static string Quote(string text) =>
        "\"" + Printable.Escape(text.Length <= 80 ? text : text[..80] + "…") + "\"";

    private CliException FaultAt(int offset, string message, string hint) => Fault(PositionOf(offset), message, hint);

    private CliException TooLarge() => Fault(
        $"is larger than {JobDefaults.MaxArgumentBytes / 1024:N0} KiB",
        "Put the data in a file and pass its path, or split it over several tasks.");

    private string Prefix()
    {
        if (_path.Count == 0) return "";
        var text = new StringBuilder();
        foreach ((string? name, int index) in _path)
        {
            if (name is null) text.Append('[').Append(index).Append(']');
            else text.Append(text.Length > 0 ? "." : "").Append(name);
        }
        return text.Append(": ").ToString();
    }

    private TextPosition PositionOf(int offset)
    {
        TextTracker tracker = _tracker;
        if (offset > _tracked) tracker.Advance(_buffer.AsSpan(_tracked, Math.Min(offset, _length) - _tracked));
        return tracker.Position;
    }

    private void Fill()
    {
        int keep = _pin >= 0 ? _pin : _at;
        _tracker.Advance(_buffer.AsSpan(_tracked, keep - _tracked));
        _buffer.AsSpan(keep, _length - keep).CopyTo(_buffer);
        _length -= keep;
        _at -= keep;
        _checked = Math.Max(0, _checked - keep);
        _tracked = 0;
        if (_pin >= 0) _pin = 0;
        if (_length == _buffer.Length)
        {
            if (_length >= MaxBuffer)
            {
                _tokenStart = _pin >= 0 ? _pin : _at;
                throw TooLarge();
            }
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }
        int read = _stream.Read(_buffer.AsSpan(_length));
        _ended = read == 0;
        _length += read;
        int bad = Utf8Check.FirstInvalid(_buffer.AsSpan(_checked, _length - _checked), _ended, out int whole);
        if (bad >= 0)
        {
            _path.Clear();
            throw FaultAt(_checked + bad, "the file is not UTF-8", Utf8Check.Hint(_buffer.AsSpan(0, _length)));
        }
        _checked += whole;
    }

    // The reader's own message, without its position (which counts from 0) and its advice about options.
    private CliException SyntaxFault(JsonException fault)
    {
        int offset = _tracked;
        long line = fault.LineNumber.GetValueOrDefault() + _firstLine;
        for (long lines = _tracker.Line; lines < line && offset < _length; lines++)
            offset += Math.Max(0, _buffer.AsSpan(offset, _length - offset).IndexOf((byte)'\n')) + 1;
        long inLine = fault.BytePositionInLine.GetValueOrDefault();
        offset = (int)Math.Min(_length, offset + inLine - (line == _tracker.Line ? _tracker.ByteInLine : 0));
        byte at = offset < _length ? _buffer[offset] : (byte)0;
        if (offset >= _length) return FaultAt(offset, $"the {_what} ends in the middle of the JSON text", "");
        if (at == '/')
            return FaultAt(offset, "comments are not allowed in a job file", "Use the field \"name\" for a title.");
        if (at == 0) return FaultAt(offset, "holds a NUL character", "");
        string message = fault.Message;
        if (message.Contains("trailing comma", StringComparison.Ordinal))
            return FaultAt(offset, "nothing follows the last comma", "");
        int cut = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        if (cut > 0) message = message[..cut];
        cut = message.IndexOf(" Change the reader options", StringComparison.Ordinal);
        if (cut > 0) message = message[..cut];
        return FaultAt(offset, "bad JSON: " + Printable.Escape(message), "");
    }
}
