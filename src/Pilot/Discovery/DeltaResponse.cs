using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Discovery;

/// <summary>
/// envoy.service.discovery.v3.DeltaDiscoveryResponse for writing, as <see cref="StateResponse"/> is for the state of the
/// world. Owned by the stream that sends it.
/// </summary>
internal sealed class DeltaResponse : IMessage<DeltaResponse>, IBufferMessage
{
    public string Version { get; init; } = "";
    public string TypeUrl { get; init; } = "";
    public string Nonce { get; init; } = "";
    public IReadOnlyCollection<EncodedResource> Resources { get; init; } = [];
    public IReadOnlyCollection<string> Removed { get; init; } = [];

    MessageDescriptor IMessage.Descriptor => DeltaDiscoveryResponse.Descriptor;

    public int CalculateSize()
    {
        var size = Text(Version) + Text(TypeUrl) + Text(Nonce);
        foreach (var resource in Resources)
        {
            var inner = Inner(resource);
            size += 1 + CodedOutputStream.ComputeLengthSize(inner) + inner;
        }
        foreach (var name in Removed) size += 1 + CodedOutputStream.ComputeStringSize(name);
        return size;
    }

    public void WriteTo(CodedOutputStream output) => output.WriteRawMessage(this);

    void IBufferMessage.InternalWriteTo(ref WriteContext output)
    {
        Write(ref output, 1, Version);
        foreach (var resource in Resources)
        {
            // envoy.service.discovery.v3.Resource: name 3, version 1, resource 2
            output.WriteTag(2, WireFormat.WireType.LengthDelimited);
            output.WriteLength(Inner(resource));
            Write(ref output, 1, resource.Version);
            output.WriteTag(2, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(resource.Any);
            Write(ref output, 3, resource.Name);
        }
        Write(ref output, 4, TypeUrl);
        Write(ref output, 5, Nonce);
        foreach (var name in Removed) Write(ref output, 6, name);
    }

    void IBufferMessage.InternalMergeFrom(ref ParseContext input) => throw new NotSupportedException("responses are only written");

    public void MergeFrom(CodedInputStream input) => throw new NotSupportedException("responses are only written");

    public void MergeFrom(DeltaResponse message) => throw new NotSupportedException("responses are only written");

    public DeltaResponse Clone() => new() { Version = Version, TypeUrl = TypeUrl, Nonce = Nonce, Resources = Resources, Removed = Removed };

    public bool Equals(DeltaResponse? other) => ReferenceEquals(this, other);

    private static int Inner(EncodedResource resource) => Text(resource.Version) + 1 + CodedOutputStream.ComputeBytesSize(resource.Any) + Text(resource.Name);

    private static int Text(string text) => text.Length == 0 ? 0 : 1 + CodedOutputStream.ComputeStringSize(text);

    private static void Write(ref WriteContext output, int field, string text)
    {
        if (text.Length == 0) return;
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteString(text);
    }
}
