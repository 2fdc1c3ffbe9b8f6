using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Discovery;

/// <summary>
/// envoy.service.discovery.v3.DiscoveryResponse for writing: its resources are serialized already and shared with the
/// responses to other proxies. It cannot be read. Owned by the stream that sends it.
/// </summary>
internal sealed class StateResponse : IMessage<StateResponse>, IBufferMessage
{
    public string Version { get; init; } = "";
    public string TypeUrl { get; init; } = "";
    public string Nonce { get; init; } = "";
    public IReadOnlyCollection<EncodedResource> Resources { get; init; } = [];

    MessageDescriptor IMessage.Descriptor => DiscoveryResponse.Descriptor;

    public int CalculateSize()
    {
        var size = Text(Version) + Text(TypeUrl) + Text(Nonce);
        foreach (var resource in Resources) size += 1 + CodedOutputStream.ComputeBytesSize(resource.Any);
        return size;
    }

    public void WriteTo(CodedOutputStream output) => output.WriteRawMessage(this);

    void IBufferMessage.InternalWriteTo(ref WriteContext output)
    {
        Write(ref output, 1, Version);
        foreach (var resource in Resources)
        {
            output.WriteTag(2, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(resource.Any);
        }
        Write(ref output, 4, TypeUrl);
        Write(ref output, 5, Nonce);
    }

    void IBufferMessage.InternalMergeFrom(ref ParseContext input) => throw new NotSupportedException("responses are only written");

    public void MergeFrom(CodedInputStream input) => throw new NotSupportedException("responses are only written");

    public void MergeFrom(StateResponse message) => throw new NotSupportedException("responses are only written");

    public StateResponse Clone() => new() { Version = Version, TypeUrl = TypeUrl, Nonce = Nonce, Resources = Resources };

    public bool Equals(StateResponse? other) => ReferenceEquals(this, other);

    private static int Text(string text) => text.Length == 0 ? 0 : 1 + CodedOutputStream.ComputeStringSize(text);

    private static void Write(ref WriteContext output, int field, string text)
    {
        if (text.Length == 0) return;
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteString(text);
    }
}
