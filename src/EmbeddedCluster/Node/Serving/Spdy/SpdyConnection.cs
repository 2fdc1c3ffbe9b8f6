using System.Buffers.Binary;

namespace Lateen.EmbeddedCluster.Node.Serving.Spdy;

/// <summary>
/// The server's side of SPDY/3.1 as kubectl's exec, attach and port-forward use it: the client opens streams, both sides send data,
/// no flow control (moby/spdystream has none). One loop reads; any thread may write.
/// </summary>
internal sealed class SpdyConnection : IDisposable
{
    private const int HeaderBytes = 8, MaxFrameBytes = 1 << 22;
    private const ushort SynStream = 1, SynReply = 2, RstStream = 3, Ping = 6, GoAway = 7;
    private const byte Fin = 1;

    private readonly Stream _transport;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly SpdyHeaderReader _headerReader = new();
    private readonly SpdyHeaderWriter _headerWriter = new();
    private readonly Dictionary<int, SpdyStream> _streams = new();

    /// <summary>Takes over a transport that has been upgraded.</summary>
    public SpdyConnection(Stream transport) => _transport = transport;

    /// <summary>Reads until the client goes; every stream that it opens is accepted and handed to <paramref name="onStream"/>.</summary>
    /// <exception cref="InvalidDataException">The client breaks the protocol.</exception>
    public async Task RunAsync(Action<SpdyStream> onStream, CancellationToken cancel)
    {
        try
        {
            var head = new byte[HeaderBytes];
            while (await TryReadAsync(head, cancel))
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)) & 0xFFFFFF;
                if (length > MaxFrameBytes) throw new InvalidDataException($"a SPDY frame of {length} bytes");
                var body = new byte[length];
                if (!await TryReadAsync(body, cancel)) return;
                if ((head[0] & 0x80) != 0)
                {
                    if (!await HandleControlAsync(head, body, onStream, cancel)) return;
                }
                else await HandleDataAsync(BinaryPrimitives.ReadInt32BigEndian(head), head[4], body, cancel);
            }
        }
        finally
        {
            foreach (var stream in _streams.Values) stream.EndInput();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _headerReader.Dispose();
        _writing.Dispose();
    }

    /// <summary>Sends a data frame.</summary>
    internal async Task WriteDataAsync(int stream, ReadOnlyMemory<byte> bytes, bool last, CancellationToken cancel)
    {
        var frame = new byte[HeaderBytes + bytes.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, stream);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), bytes.Length);
        frame[4] = last ? Fin : (byte)0;
        bytes.CopyTo(frame.AsMemory(HeaderBytes));
        await WriteAsync(frame, cancel);
    }

    private async Task<bool> HandleControlAsync(byte[] head, byte[] body, Action<SpdyStream> onStream, CancellationToken cancel)
    {
        switch (BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(2)))
        {
            case SynStream:
                if (body.Length < 10) throw new InvalidDataException("a SYN_STREAM frame is too short");
                var stream = new SpdyStream(this, BinaryPrimitives.ReadInt32BigEndian(body) & int.MaxValue, _headerReader.Read(body.AsMemory(10)));
                _streams[stream.Id] = stream;
                if ((head[4] & Fin) != 0) stream.EndInput();
                await ReplyAsync(stream.Id, cancel);
                onStream(stream);
                return true;
            case RstStream when body.Length >= 8:
                if (_streams.Remove(BinaryPrimitives.ReadInt32BigEndian(body) & int.MaxValue, out var reset)) reset.EndInput();
                return true;
            case Ping when body.Length >= 4:
                await WriteControlAsync(Ping, body.AsMemory(0, 4), cancel);
                return true;
            case GoAway:
                return false;
            default:
                return true; // settings, window updates, headers: nothing depends on them here
        }
    }

    private async Task HandleDataAsync(int id, byte flags, byte[] body, CancellationToken cancel)
    {
        if (!_streams.TryGetValue(id, out var stream)) return; // reset in the meantime
        if (body.Length > 0)
        {
            try
            {
                await stream.ReceiveAsync(body, cancel);
            }
            catch (System.Threading.Channels.ChannelClosedException)
            {
                // Data after the end: a mistake of the client that harms nobody.
            }
        }
        if ((flags & Fin) == 0) return;
        stream.EndInput();
    }

    private async Task ReplyAsync(int stream, CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            // Compressed state: blocks have to go out in the order in which they are made.
            var block = _headerWriter.Write(new Dictionary<string, string>());
            var body = new byte[4 + block.Length];
            BinaryPrimitives.WriteInt32BigEndian(body, stream);
            block.CopyTo(body, 4);
            await _transport.WriteAsync(Control(SynReply, body), cancel);
            await _transport.FlushAsync(cancel);
        }
        finally
        {
            _writing.Release();
        }
    }

    private Task WriteControlAsync(ushort type, ReadOnlyMemory<byte> body, CancellationToken cancel) => WriteAsync(Control(type, body.Span), cancel);

    private static byte[] Control(ushort type, ReadOnlySpan<byte> body)
    {
        var frame = new byte[HeaderBytes + body.Length];
        frame[0] = 0x80;
        frame[1] = 3; // version
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), type);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), body.Length);
        body.CopyTo(frame.AsSpan(HeaderBytes));
        return frame;
    }

    private async Task WriteAsync(byte[] frame, CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            await _transport.WriteAsync(frame, cancel);
            await _transport.FlushAsync(cancel);
        }
        finally
        {
            _writing.Release();
        }
    }

    // False when the client is gone.
    private async Task<bool> TryReadAsync(byte[] bytes, CancellationToken cancel)
    {
        try
        {
            return await _transport.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel) == bytes.Length;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
