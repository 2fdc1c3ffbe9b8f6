using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Lateen.Pilot.Networking;
using Lateen.Rpc.Framing;

namespace Lateen.Pilot.Discovery;

/// <summary>
/// envoy.service.discovery.v3.DeltaDiscoveryResponse for writing, as <see cref="StateResponse"/> is for the state of the
/// world. Owned by the stream that sends it.
/// </summary>
internal sealed class DeltaResponse : IMessage<DeltaResponse>, IPiecewiseMessage
{
    public string Version { get; init; } = "";
    public string TypeUrl { get; init; } = "";
    public string Nonce { get; init; } = "";
    public IReadOnlyCollection<EncodedResource> Resources { get; init; } = [];
    public IReadOnlyCollection<string> Removed { get; init; } = [];

    MessageDescriptor IMessage.Descriptor => DeltaDiscoveryResponse.Descriptor;

    int IPiecewiseMessage.Size => CalculateSize();

    public IEnumerable<ReadOnlyMemory<byte>> Pieces
    {
        get
        {
            yield return Own().ToByteArray();
            foreach (var resource in Resources)
            {
                yield return resource.AsDeltaField;
                yield return resource.Any.Memory;
            }
        }
    }

    public int CalculateSize()
    {
        var size = Own().CalculateSize();
        foreach (var resource in Resources) size += resource.AsDeltaField.Length + resource.Size;
        return size;
    }

    public void WriteTo(CodedOutputStream output) => throw new NotSupportedException("responses are written in pieces");

    public void MergeFrom(CodedInputStream input) => throw new NotSupportedException("responses are only written");

    public void MergeFrom(DeltaResponse message) => throw new NotSupportedException("responses are only written");

    public DeltaResponse Clone() => new() { Version = Version, TypeUrl = TypeUrl, Nonce = Nonce, Resources = Resources, Removed = Removed };

    public bool Equals(DeltaResponse? other) => ReferenceEquals(this, other);

    private DeltaDiscoveryResponse Own() => new() { SystemVersionInfo = Version, TypeUrl = TypeUrl, Nonce = Nonce, RemovedResources = { Removed } };
}
