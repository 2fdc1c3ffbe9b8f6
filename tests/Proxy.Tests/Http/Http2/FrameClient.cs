using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http2;
using Lateen.Proxy.Http.Http2.Hpack;

namespace Lateen.Proxy.Tests.Http.Http2;

/// <summary>An HTTP/2 client that sends exactly the frames that a test asks for, well formed or not, and sees every frame that comes.</summary>
internal sealed class FrameClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly HpackDecoder _decoder = new(4096, new ByteBuilder());
    private byte[] _pending = [];

    /// <summary>Connects, sends preface and settings.</summary>
    public static async Task<FrameClient> ConnectAsync(int port, params (SettingId Id, uint Value)[] settings)
    {
        var client = new FrameClient();
        for (var tries = 0; ; tries++)
            try
            {
                await client._socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
                break;
            }
            catch (SocketException) when (tries < 500)
            {
                await Task.Delay(10);
            }
        await client.SendRawAsync(Frames.Preface.ToArray());
        var payload = new byte[settings.Length * 6];
        for (var i = 0; i < settings.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(i * 6), (ushort)settings[i].Id);
            BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(i * 6 + 2), settings[i].Value);
        }
        await client.SendAsync(FrameType.Settings, FrameFlags.None, 0, payload);
        return client;
    }

    public static byte[] Frame(FrameType type, FrameFlags flags, int stream, byte[]? payload = null)
    {
        payload ??= [];
        var frame = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(payload.Length, type, flags, stream).Write(frame);
        payload.CopyTo(frame, FrameHeader.Size);
        return frame;
    }

    /// <summary>A header block of "name: value" lines.</summary>
    public static byte[] Block(params string[] fields)
    {
        var block = new ByteBuilder();
        foreach (var field in fields)
        {
            var colon = field.IndexOf(": ", 1, StringComparison.Ordinal);
            var name = Encoding.Latin1.GetBytes(field[..colon]);
            HpackEncoder.Field(block, KnownHeader.Unknown, name, Encoding.Latin1.GetBytes(field[(colon + 2)..]));
        }
        return block.Span.ToArray();
    }

    public static byte[] Get(string path, params string[] more) => Block([":method: GET", ":scheme: http", ":authority: a", ":path: " + path, .. more]);

    public static byte[] Number(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    public async Task SendRawAsync(byte[] bytes)
    {
        try
        {
            for (var sent = 0; sent < bytes.Length;) sent += await _socket.SendAsync(bytes.AsMemory(sent));
        }
        catch (SocketException)
        {
            // The proxy has closed: what it said before is still to be read.
        }
    }

    public Task SendAsync(FrameType type, FrameFlags flags, int stream, byte[]? payload = null) => SendRawAsync(Frame(type, flags, stream, payload));

    public Task GetAsync(int stream, string path, params string[] more) => SendAsync(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, stream, Get(path, more));

    /// <summary>The next frame; null when the proxy has closed or reset the connection.</summary>
    public async Task<(FrameHeader Head, byte[] Payload)?> ReadAsync(int withinMs = 20_000)
    {
        using var limit = new CancellationTokenSource(withinMs);
        var buffer = new byte[64 * 1024];
        while (true)
        {
            if (_pending.Length >= FrameHeader.Size && FrameHeader.Read(_pending) is var head && _pending.Length >= FrameHeader.Size + head.Length)
            {
                var payload = _pending[FrameHeader.Size..(FrameHeader.Size + head.Length)];
                _pending = _pending[(FrameHeader.Size + head.Length)..];
                return (head, payload);
            }
            try
            {
                var read = await _socket.ReceiveAsync(buffer, limit.Token);
                if (read == 0) return null;
                _pending = [.. _pending, .. buffer[..read]];
            }
            catch (SocketException)
            {
                return null;
            }
        }
    }

    /// <summary>Reads on until a frame of a type comes; null when the connection ends before.</summary>
    public async Task<(FrameHeader Head, byte[] Payload)?> ReadUntilAsync(FrameType type)
    {
        while (await ReadAsync() is { } frame)
            if (frame.Head.Type == type && !(type == FrameType.Settings && frame.Head.Has(FrameFlags.Ack)))
                return frame;
        return null;
    }

    /// <summary>How a stream's or the connection's end is told: "RST_STREAM n", "GOAWAY n" or "closed".</summary>
    public async Task<string> ReadEndAsync()
    {
        while (await ReadAsync() is { } frame)
        {
            if (frame.Head.Type == FrameType.RstStream) return "RST_STREAM " + Frames.ReadError(frame.Payload);
            if (frame.Head.Type == FrameType.GoAway) return "GOAWAY " + Frames.ReadError(frame.Payload.AsSpan(4));
        }
        return "closed";
    }

    /// <summary>The whole answer on a stream: head, body and trailers.</summary>
    public async Task<(List<string> Head, byte[] Body, List<string> Trailers)> ReadAnswerAsync(int stream)
    {
        List<string> head = [], trailers = [];
        var body = new MemoryStream();
        while (await ReadAsync() is { } frame)
        {
            if (frame.Head.Type == FrameType.Headers)
            {
                var fields = new Lines();
                if (!_decoder.TryDecode(frame.Payload, fields)) throw new InvalidDataException("the block cannot be read");
                if (frame.Head.Stream == stream) (head.Count == 0 || head[0].StartsWith(":status: 1", StringComparison.Ordinal) ? head : trailers).AddRange(fields.All);
            }
            if (frame.Head.Stream != stream) continue;
            if (frame.Head.Type == FrameType.RstStream) throw new InvalidDataException("reset: " + Frames.ReadError(frame.Payload));
            if (frame.Head.Type == FrameType.Data) body.Write(frame.Payload);
            if (frame.Head.Type is FrameType.Data or FrameType.Headers && frame.Head.Has(FrameFlags.EndStream)) return (head, body.ToArray(), trailers);
        }
        throw new InvalidDataException("the connection has ended");
    }

    public void Dispose() => _socket.Dispose();

    private sealed class Lines : IFieldSink
    {
        public List<string> All { get; } = [];

        public void OnField(KnownHeader known, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => All.Add($"{Encoding.Latin1.GetString(name)}: {Encoding.Latin1.GetString(value)}");
    }
}
