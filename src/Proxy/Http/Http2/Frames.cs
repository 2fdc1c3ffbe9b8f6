using System.Buffers.Binary;

namespace Lateen.Proxy.Http.Http2;

/// <summary>Types of frames. Source: RFC 9113 section 6.</summary>
internal enum FrameType : byte
{
    Data = 0,
    Headers = 1,
    Priority = 2,
    RstStream = 3,
    Settings = 4,
    PushPromise = 5,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
}

/// <summary>Flags of frames; one bit means different things on different types.</summary>
[Flags]
internal enum FrameFlags : byte
{
    None = 0,
    EndStream = 1,
    Ack = 1,
    EndHeaders = 4,
    Padded = 8,
    Priority = 0x20,
}

/// <summary>Why a stream or a connection ends. Source: RFC 9113 section 7.</summary>
internal enum Http2Error : uint
{
    None = 0,
    ProtocolError = 1,
    InternalError = 2,
    FlowControlError = 3,
    SettingsTimeout = 4,
    StreamClosed = 5,
    FrameSizeError = 6,
    RefusedStream = 7,
    Cancel = 8,
    CompressionError = 9,
    ConnectError = 10,
    EnhanceYourCalm = 11,
    InadequateSecurity = 12,
    Http11Required = 13,
}

/// <summary>Identifiers of settings. Source: RFC 9113 section 6.5.2, RFC 8441 section 3.</summary>
internal enum SettingId : ushort
{
    HeaderTableSize = 1,
    EnablePush = 2,
    MaxConcurrentStreams = 3,
    InitialWindowSize = 4,
    MaxFrameSize = 5,
    MaxHeaderListSize = 6,
    EnableConnectProtocol = 8,
}

/// <summary>The nine bytes before every payload.</summary>
internal readonly record struct FrameHeader(int Length, FrameType Type, FrameFlags Flags, int Stream)
{
    public const int Size = 9;

    public static FrameHeader Read(ReadOnlySpan<byte> bytes) => new(
        bytes[0] << 16 | bytes[1] << 8 | bytes[2], (FrameType)bytes[3], (FrameFlags)bytes[4], (int)(BinaryPrimitives.ReadUInt32BigEndian(bytes[5..]) & 0x7fffffff));

    public void Write(Span<byte> target)
    {
        (target[0], target[1], target[2], target[3], target[4]) = ((byte)(Length >> 16), (byte)(Length >> 8), (byte)Length, (byte)Type, (byte)Flags);
        BinaryPrimitives.WriteInt32BigEndian(target[5..], Stream);
    }

    public bool Has(FrameFlags flag) => (Flags & flag) != 0;
}

/// <summary>What a frame must look like whatever the state of its connection, and what is in it. Pure. Source: RFC 9113 sections 4 and 6.</summary>
internal static class Frames
{
    /// <summary>Payload that everybody must take; what we announce and never exceed.</summary>
    public const int DefaultMaxSize = 16 * 1024;

    /// <summary>Largest window. Source: section 6.9.1.</summary>
    public const int LargestWindow = int.MaxValue;

    /// <summary>Bytes with which a client begins. Source: section 3.4.</summary>
    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Checks what the header alone tells: length, and whether the frame belongs to a stream.</summary>
    public static Http2Error Check(in FrameHeader frame, int maxSize = DefaultMaxSize)
    {
        if (frame.Length > maxSize) return Http2Error.FrameSizeError;
        switch (frame.Type)
        {
            case FrameType.Data or FrameType.Headers or FrameType.Continuation or FrameType.PushPromise:
                return frame.Stream == 0 ? Http2Error.ProtocolError : Http2Error.None;
            case FrameType.Priority:
                return frame.Stream == 0 ? Http2Error.ProtocolError : frame.Length == 5 ? Http2Error.None : Http2Error.FrameSizeError;
            case FrameType.RstStream:
                return frame.Stream == 0 ? Http2Error.ProtocolError : frame.Length == 4 ? Http2Error.None : Http2Error.FrameSizeError;
            case FrameType.Settings:
                if (frame.Stream != 0) return Http2Error.ProtocolError;
                return frame.Length % 6 != 0 || frame.Has(FrameFlags.Ack) && frame.Length > 0 ? Http2Error.FrameSizeError : Http2Error.None;
            case FrameType.Ping:
                return frame.Stream != 0 ? Http2Error.ProtocolError : frame.Length == 8 ? Http2Error.None : Http2Error.FrameSizeError;
            case FrameType.GoAway:
                return frame.Stream != 0 ? Http2Error.ProtocolError : frame.Length >= 8 ? Http2Error.None : Http2Error.FrameSizeError;
            case FrameType.WindowUpdate:
                return frame.Length == 4 ? Http2Error.None : Http2Error.FrameSizeError;
            default:
                return Http2Error.None;
        }
    }

    /// <summary>Takes padding and priority off the payload of HEADERS, padding off DATA and PUSH_PROMISE.</summary>
    public static bool TryUnwrap(scoped in FrameHeader frame, ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> content, out int dependsOn)
    {
        content = payload;
        dependsOn = -1;
        var padding = 0;
        if (frame.Has(FrameFlags.Padded))
        {
            if (content.IsEmpty) return false;
            padding = content[0];
            content = content[1..];
        }
        if (frame.Type == FrameType.Headers && frame.Has(FrameFlags.Priority))
        {
            if (content.Length < 5) return false;
            dependsOn = ReadStream(content);
            content = content[5..];
        }
        if (padding > content.Length) return false;
        content = content[..^padding];
        return true;
    }

    public static int ReadStream(ReadOnlySpan<byte> bytes) => (int)(BinaryPrimitives.ReadUInt32BigEndian(bytes) & 0x7fffffff);

    public static Http2Error ReadError(ReadOnlySpan<byte> bytes) => (Http2Error)BinaryPrimitives.ReadUInt32BigEndian(bytes);

    /// <summary>One setting of six bytes.</summary>
    public static (SettingId Id, uint Value) ReadSetting(ReadOnlySpan<byte> bytes) =>
        ((SettingId)BinaryPrimitives.ReadUInt16BigEndian(bytes), BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]));

    /// <summary>Whether a setting's value is one that it may have.</summary>
    public static Http2Error Check(SettingId id, uint value) => id switch
    {
        SettingId.EnablePush or SettingId.EnableConnectProtocol when value > 1 => Http2Error.ProtocolError,
        SettingId.InitialWindowSize when value > LargestWindow => Http2Error.FlowControlError,
        SettingId.MaxFrameSize when value is < DefaultMaxSize or > 0xffffff => Http2Error.ProtocolError,
        _ => Http2Error.None,
    };
}
