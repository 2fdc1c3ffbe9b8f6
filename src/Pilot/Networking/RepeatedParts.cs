using Google.Protobuf;

namespace Lateen.Pilot.Networking;

/// <summary>
/// Puts parts that are serialized already into a repeated field of a message: the serialized form of a message is the
/// concatenation of its fields.
/// </summary>
internal static class RepeatedParts
{
    public static ByteString Append(IMessage message, int field, IReadOnlyList<ByteString> parts)
    {
        var bytes = new byte[Size(message, field, parts)];
        var output = new CodedOutputStream(bytes);
        Write(output, message, field, parts);
        output.CheckNoSpaceLeft();
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    public static int Size(IMessage message, int field, IReadOnlyList<ByteString> parts)
    {
        var size = message.CalculateSize();
        foreach (var part in parts) size += CodedOutputStream.ComputeTagSize(field) + CodedOutputStream.ComputeBytesSize(part);
        return size;
    }

    public static void Write(CodedOutputStream output, IMessage message, int field, IReadOnlyList<ByteString> parts)
    {
        message.WriteTo(output);
        foreach (var part in parts)
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(part);
        }
    }
}
