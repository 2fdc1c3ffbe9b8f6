using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Lateen.Pilot.Networking;
using Lateen.Rpc.Framing;

namespace Lateen.Pilot.Discovery;

/// <summary>
/// envoy.service.discovery.v3.DiscoveryResponse for writing: its resources are serialized already and shared with the
/// responses to other proxies. It cannot be read. Owned by the stream that sends it.
/// </summary>
internal sealed class StateResponse : IMessage<StateResponse>, IPiecewiseMessage
{
    public string Version { get; init; } = "";
    public string TypeUrl { get; init; } = "";
    public string Nonce { get; init; } = "";
    public IReadOnlyCollection<EncodedResource> Resources { get; init; } = [];

    MessageDescriptor IMessage.Descriptor => DiscoveryResponse.Descriptor;

    int IPiecewiseMessage.Size => CalculateSize();

    public IEnumerable<ReadOnlyMemory<byte>> Pieces
    {
        get
        {
            // Fields may come in any order: all that is this response's own is one piece.
            yield return new DiscoveryResponse { VersionInfo = Version, TypeUrl = TypeUrl, Nonce = Nonce }.ToByteArray();
            foreach (var resource in Resources)
            {
                yield return resource.AsResponseField;
                yield return resource.Any.Memory;
            }
        }
    }

    public int CalculateSize()
    {
        var size = new DiscoveryResponse { VersionInfo = Version, TypeUrl = TypeUrl, Nonce = Nonce }.CalculateSize();
        foreach (var resource in Resources) size += resource.AsResponseField.Length + resource.Size;
        return size;
    }

    public void WriteTo(CodedOutputStream output) => throw new NotSupportedException("responses are written in pieces");

    public void MergeFrom(CodedInputStream input) => throw new NotSupportedException("responses are only written");

    public void MergeFrom(StateResponse message) => throw new NotSupportedException("responses are only written");

    public StateResponse Clone() => new() { Version = Version, TypeUrl = TypeUrl, Nonce = Nonce, Resources = Resources };

    public bool Equals(StateResponse? other) => ReferenceEquals(this, other);
}
