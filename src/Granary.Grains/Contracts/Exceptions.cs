using Granary.Engines;
using Granary.Stores;

namespace Granary.Grains;

/// <summary>How a refusal travels.</summary>
[GenerateSerializer, Alias("granary.Refused")]
internal struct RefusedWire
{
    [Id(0)]
    public byte Refusal;

    [Id(1)]
    public string Message;
}

[RegisterConverter]
internal sealed class RefusedConverter : IConverter<RefusedException, RefusedWire>
{
    public RefusedException ConvertFromSurrogate(in RefusedWire surrogate) =>
        new((Refusal)surrogate.Refusal, surrogate.Message);

    public RefusedWire ConvertToSurrogate(in RefusedException value) =>
        new() { Refusal = (byte)value.Refusal, Message = value.Message };
}

/// <summary>How a store's fault travels.</summary>
[GenerateSerializer, Alias("granary.StoreFailed")]
internal struct StoreFailedWire
{
    [Id(0)]
    public byte Fault;

    [Id(1)]
    public string Message;
}

[RegisterConverter]
internal sealed class StoreFailedConverter : IConverter<StoreException, StoreFailedWire>
{
    public StoreException ConvertFromSurrogate(in StoreFailedWire surrogate) =>
        new((StoreFault)surrogate.Fault, surrogate.Message);

    public StoreFailedWire ConvertToSurrogate(in StoreException value) =>
        new() { Fault = (byte)value.Fault, Message = value.Message };
}
