using System.Security.Cryptography;
using Google.Protobuf;

namespace Lateen.Pilot.Networking;

/// <summary>
/// A resource as it goes on the wire, serialized once for all proxies that get it. Immutable; equal content has an equal
/// <see cref="Version"/>.
/// </summary>
internal sealed class EncodedResource
{
    private const int ResponseField = 2;
    private const int DeltaAnyField = 2;

    private byte[]? _asDeltaField;

    private EncodedResource(string name, ByteString any, string version)
    {
        (Name, Any, Version) = (name, any, version);
        AsResponseField = Prefix(ResponseField, any.Length);
    }

    public string Name { get; }

    /// <summary>The serialized google.protobuf.Any.</summary>
    public ByteString Any { get; }

    /// <summary>A hash of the content, as delta xDS shows it.</summary>
    public string Version { get; }

    public int Size => Any.Length;

    /// <summary>What stands before <see cref="Any"/> in the field resources of a DiscoveryResponse.</summary>
    public ReadOnlyMemory<byte> AsResponseField { get; }

    /// <summary>The same for a DeltaDiscoveryResponse, whose resources begin with their version and name.</summary>
    public ReadOnlyMemory<byte> AsDeltaField => _asDeltaField ??= DeltaPrefix();

    public static EncodedResource Encode(string name, IMessage message) => Encode(name, message, 0, []);

    /// <summary>
    /// Encodes a message and, in a repeated field of it, parts that are serialized already: a message's serialized form is
    /// the concatenation of its fields.
    /// </summary>
    public static EncodedResource Encode(string name, IMessage message, int partsField, IReadOnlyList<ByteString> parts)
    {
        var typeUrl = "type.googleapis.com/" + message.Descriptor.FullName;
        var size = RepeatedParts.Size(message, partsField, parts);
        var bytes = new byte[1 + CodedOutputStream.ComputeStringSize(typeUrl) + 1 + CodedOutputStream.ComputeLengthSize(size) + size];
        var output = new CodedOutputStream(bytes);
        output.WriteTag(1, WireFormat.WireType.LengthDelimited);
        output.WriteString(typeUrl);
        output.WriteTag(2, WireFormat.WireType.LengthDelimited);
        output.WriteLength(size);
        RepeatedParts.Write(output, message, partsField, parts);
        output.CheckNoSpaceLeft();
        return new(name, UnsafeByteOperations.UnsafeWrap(bytes), Hash(bytes));
    }

    /// <summary>Whether a proxy that has the other one needs this one.</summary>
    public bool SameAs(EncodedResource other) => ReferenceEquals(this, other) || (Version == other.Version && Any.Length == other.Any.Length);

    private byte[] DeltaPrefix()
    {
        var start = new Envoy.Service.Discovery.V3.Resource { Version = Version, Name = Name }.ToByteArray();
        var before = Prefix(DeltaAnyField, Any.Length);
        return [.. Prefix(ResponseField, start.Length + before.Length + Any.Length), .. start, .. before];
    }

    private static byte[] Prefix(int field, int length)
    {
        var bytes = new byte[CodedOutputStream.ComputeTagSize(field) + CodedOutputStream.ComputeLengthSize(length)];
        var output = new CodedOutputStream(bytes);
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteLength(length);
        output.CheckNoSpaceLeft();
        return bytes;
    }

    private static string Hash(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return System.Convert.ToHexStringLower(hash[..12]);
    }
}
