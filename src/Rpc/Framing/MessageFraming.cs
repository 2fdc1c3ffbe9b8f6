using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using Google.Protobuf;

namespace Lateen.Rpc.Framing;

/// <summary>
/// Length-prefixed messages: one byte that says whether it is compressed, four bytes of length, the message. Source:
/// grpc/grpc doc/PROTOCOL-HTTP2.md. Any thread; a reader or writer by one caller at a time.
/// </summary>
internal static class MessageFraming
{
    public const int HeaderSize = 5;

    /// <summary>Bytes of a long message that are in memory at a time: so many stay in the processor's cache.</summary>
    private const int MostGathered = 128 << 10;

    /// <summary>Writes one uncompressed message with its prefix.</summary>
    public static void Write(IBufferWriter<byte> output, IMessage message)
    {
        var size = message.CalculateSize();
        var span = output.GetSpan(HeaderSize + size);
        WritePrefix(span, size);
        message.WriteTo(span.Slice(HeaderSize, size));
        output.Advance(HeaderSize + size);
    }

    /// <summary>Writes one message that is serialized already, and gives what has gathered to the transport now and then.</summary>
    public static async ValueTask WriteAsync(PipeWriter output, IPiecewiseMessage message, Func<ValueTask> flush)
    {
        var (left, gathered) = ((long)HeaderSize + message.Size, 0);
        var block = output.GetMemory((int)Math.Min(left, MostGathered));
        WritePrefix(block.Span, message.Size);
        gathered += HeaderSize;
        left -= HeaderSize;
        foreach (var piece in message.Pieces)
            for (var rest = piece; !rest.IsEmpty;)
            {
                if (gathered == block.Length)
                {
                    output.Advance(gathered);
                    await flush().ConfigureAwait(false);
                    block = output.GetMemory((int)Math.Min(left, MostGathered));
                    gathered = 0;
                }
                var count = Math.Min(rest.Length, block.Length - gathered);
                rest.Span[..count].CopyTo(block.Span[gathered..]);
                gathered += count;
                left -= count;
                rest = rest[count..];
            }
        output.Advance(gathered);
        await flush().ConfigureAwait(false);
    }

    /// <summary>
    /// Reads the next message; null at the end of the stream.
    /// </summary>
    /// <param name="reader">Where the bytes come from.</param>
    /// <param name="parser">Makes the message.</param>
    /// <param name="maxSize">Largest message in bytes, after decompression.</param>
    /// <param name="encoding">Value of grpc-encoding, or null.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="RpcException">The message is too large, cut off, spoilt, or compressed in an unknown way.</exception>
    public static async ValueTask<T?> ReadAsync<T>(PipeReader reader, MessageParser<T> parser, int maxSize, string? encoding, CancellationToken cancel)
        where T : class, IMessage<T>
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancel).ConfigureAwait(false);
            var buffer = result.Buffer;
            if (TryHeader(buffer, out var compressed, out var size))
            {
                if (size > maxSize)
                    throw new RpcException(RpcStatusCode.ResourceExhausted, $"received message larger than max ({size} vs. {maxSize})");
                if (buffer.Length >= HeaderSize + size)
                {
                    var body = buffer.Slice(HeaderSize, size);
                    try
                    {
                        return Parse(parser, compressed ? Decompress(body, encoding, maxSize) : body);
                    }
                    finally
                    {
                        reader.AdvanceTo(body.End);
                    }
                }
            }
            if (result.IsCompleted)
            {
                reader.AdvanceTo(buffer.End);
                return buffer.IsEmpty ? null : throw new RpcException(RpcStatusCode.Internal, "the stream ended inside a message");
            }
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static void WritePrefix(Span<byte> output, int size)
    {
        output[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(output[1..], size);
    }

    private static bool TryHeader(ReadOnlySequence<byte> buffer, out bool compressed, out uint size)
    {
        (compressed, size) = (false, 0);
        if (buffer.Length < HeaderSize) return false;
        Span<byte> header = stackalloc byte[HeaderSize];
        buffer.Slice(0, HeaderSize).CopyTo(header);
        if (header[0] > 1) throw new RpcException(RpcStatusCode.Internal, $"unknown message flag {header[0]}");
        compressed = header[0] == 1;
        size = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        return true;
    }

    private static T Parse<T>(MessageParser<T> parser, ReadOnlySequence<byte> body)
        where T : class, IMessage<T>
    {
        try
        {
            return parser.ParseFrom(body);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(RpcStatusCode.Internal, $"the message is not a {typeof(T).Name}: {e.Message}", e);
        }
    }

    private static ReadOnlySequence<byte> Decompress(ReadOnlySequence<byte> body, string? encoding, int maxSize)
    {
        if (encoding is not "gzip") throw new RpcException(RpcStatusCode.Unimplemented, $"messages compressed with '{encoding}' are not understood");
        using var source = new GZipStream(new MemoryStream(body.ToArray()), CompressionMode.Decompress);
        var target = new ArrayBufferWriter<byte>();
        try
        {
            for (int read; (read = source.Read(target.GetSpan(4096))) > 0;)
            {
                target.Advance(read);
                if (target.WrittenCount > maxSize)
                    throw new RpcException(RpcStatusCode.ResourceExhausted, $"received message larger than max after decompression ({maxSize})");
            }
        }
        catch (InvalidDataException e)
        {
            throw new RpcException(RpcStatusCode.Internal, "the compressed message is spoilt", e);
        }
        return new ReadOnlySequence<byte>(target.WrittenMemory);
    }
}
