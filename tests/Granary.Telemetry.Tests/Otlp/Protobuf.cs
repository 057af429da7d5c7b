using System.Buffers.Binary;
using System.Text;

namespace Granary.Telemetry.Tests.Otlp;

/// <summary>One message in Protocol Buffers' wire format, read by field numbers.</summary>
internal sealed class Protobuf
{
    private readonly List<(int Field, ulong Number, byte[] Bytes)> _fields = [];

    public Protobuf(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            ulong tag = Varint(ref bytes);
            (ulong number, byte[] content) = (0, Array.Empty<byte>());
            switch (tag & 7)
            {
                case 0:
                    number = Varint(ref bytes);
                    break;
                case 1:
                    number = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                    bytes = bytes[8..];
                    break;
                case 2:
                    int length = (int)Varint(ref bytes);
                    content = bytes[..length].ToArray();
                    bytes = bytes[length..];
                    break;
                case 5:
                    number = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
                    bytes = bytes[4..];
                    break;
                default:
                    throw new InvalidDataException($"There is no wire type {tag & 7}.");
            }
            _fields.Add(((int)(tag >> 3), number, content));
        }
    }

    public IEnumerable<Protobuf> Messages(int field) =>
        _fields.Where(f => f.Field == field).Select(f => new Protobuf(f.Bytes));

    public Protobuf? Message(int field) => Messages(field).FirstOrDefault();

    public bool Has(int field) => _fields.Exists(f => f.Field == field);

    public ulong Number(int field) => _fields.LastOrDefault(f => f.Field == field).Number;

    public double Double(int field) => BitConverter.UInt64BitsToDouble(Number(field));

    public string Text(int field) => Encoding.UTF8.GetString(Bytes(field));

    public string Hex(int field) => Convert.ToHexStringLower(Bytes(field));

    private byte[] Bytes(int field) => _fields.LastOrDefault(f => f.Field == field).Bytes ?? [];

    private static ulong Varint(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = bytes[0];
            bytes = bytes[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
    }
}
