namespace Granary.Cli.Tests;

/// <summary>Gives one byte at each reading.</summary>
internal sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
{
    public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(1, buffer.Length)]);
}

/// <summary>A beginning, and then as many letters as asked for, made while they are read.</summary>
internal sealed class Endless(byte[] beginning, long letters) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => beginning.Length + letters;

    public override long Position { get => _position; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, Length - _position);
        for (int i = 0; i < count; i++, _position++)
            buffer[i] = _position < beginning.Length ? beginning[_position] : (byte)'a';
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
