using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Network;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Http.Http2;

/// <summary>
/// The frames that a connection is about to send. They are gathered until the end of the loop's turn, so that one call sends what
/// all streams have written. Owned by one connection.
/// </summary>
internal sealed class Http2Output
{
    private readonly ByteStream _stream;
    private readonly Worker _worker;
    private readonly Action _flush;
    private readonly Action<int> _onSent;
    private readonly Action _onWritable;
    private WriteBuffer _buffer;
    private bool _scheduled;
    private long _written, _sent;
    private long _lastData = -1;
    private int _lastDataStream;

    /// <param name="stream">Where the bytes go.</param>
    /// <param name="worker">The worker that owns the connection.</param>
    /// <param name="onSent">Told how many bytes went out.</param>
    /// <param name="onWritable">Called when the socket takes bytes again after a time in which it took none.</param>
    public Http2Output(ByteStream stream, Worker worker, Action<int> onSent, Action onWritable)
    {
        (_stream, _worker, _onSent, _onWritable) = (stream, worker, onSent, onWritable);
        _buffer = new WriteBuffer(worker.Buffers);
        _flush = () =>
        {
            _scheduled = false;
            Flush();
        };
    }

    /// <summary>The socket takes nothing now.</summary>
    public bool IsBlocked { get; private set; }

    /// <summary>The socket is broken.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Frames of all kinds that wait.</summary>
    public int Frames { get; private set; }

    /// <summary>Acknowledgements and resets among them.</summary>
    public int ControlFrames { get; private set; }

    public int Length => _buffer.Length;

    /// <summary>Appends a frame; <paramref name="second"/> is the end of its payload.</summary>
    public void Frame(FrameType type, FrameFlags flags, int stream, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second = default)
    {
        // Sent early rather than grown past a pooled buffer.
        if (_buffer.Length > 0 && _buffer.Room < FrameHeader.Size + first.Length + second.Length) Flush();
        Header(first.Length + second.Length, type, flags, stream);
        _buffer.Append(first);
        if (!second.IsEmpty) _buffer.Append(second);
        _written += first.Length + second.Length;
        if (type is FrameType.Ping or FrameType.Settings or FrameType.RstStream) ControlFrames++;
        Schedule();
    }

    public void Frame(FrameType type, FrameFlags flags, int stream, uint value)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, value);
        Frame(type, flags, stream, payload);
    }

    /// <summary>Appends bytes that are no frame: a client's preface.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        _buffer.Append(bytes);
        _written += bytes.Length;
    }

    /// <summary>Appends a DATA frame; a large one goes out at once rather than being copied.</summary>
    public void Data(int stream, ReadOnlySpan<byte> data, bool end)
    {
        (_lastData, _lastDataStream) = (_written, stream);
        Header(data.Length, FrameType.Data, end ? FrameFlags.EndStream : FrameFlags.None, stream);
        if (IsBlocked || data.Length <= _buffer.Room)
        {
            _buffer.Append(data);
            _written += data.Length;
            Schedule();
            return;
        }
        _written += data.Length;
        var waiting = _buffer.Length;
        var status = _stream.TrySend(_buffer.Span, data, out var sent);
        if (status == IoStatus.Ok)
        {
            Sent(Math.Min(sent, waiting));
            if (sent >= waiting) Counted(sent - waiting);
            data = data[Math.Max(0, sent - waiting)..];
        }
        else if (status != IoStatus.WouldBlock)
        {
            IsBroken = true;
            return;
        }
        if (!data.IsEmpty) _buffer.Append(data);
        if (_buffer.Length > 0) Schedule();
        else (Frames, ControlFrames) = (0, 0);
    }

    /// <summary>Ends a stream: by a flag on its last frame when that has not gone out, else by an empty frame.</summary>
    public void EndData(int stream)
    {
        if (_lastData >= _sent && _lastDataStream == stream) _buffer.Patch((int)(_lastData - _sent) + 4, (byte)FrameFlags.EndStream);
        else
        {
            Header(0, FrameType.Data, FrameFlags.EndStream, stream);
            Schedule();
        }
        _lastData = -1;
    }

    /// <summary>Sends what the socket takes.</summary>
    public void Flush()
    {
        if (IsBlocked || IsBroken) return;
        while (_buffer.Length > 0)
        {
            switch (_stream.TrySend(_buffer.Span, out var sent))
            {
                case IoStatus.Ok:
                    Sent(sent);
                    break;
                case IoStatus.WouldBlock:
                    IsBlocked = true;
                    _ = WaitAsync();
                    return;
                default:
                    IsBroken = true;
                    _buffer.Release();
                    return;
            }
        }
        (Frames, ControlFrames) = (0, 0);
    }

    public void Release()
    {
        IsBroken = true;
        _buffer.Release();
    }

    private void Header(int length, FrameType type, FrameFlags flags, int stream)
    {
        Span<byte> header = stackalloc byte[FrameHeader.Size];
        new FrameHeader(length, type, flags, stream).Write(header);
        _buffer.Append(header);
        _written += FrameHeader.Size;
        Frames++;
    }

    private void Schedule()
    {
        if (_scheduled || IsBlocked) return;
        _scheduled = true;
        _worker.Enqueue(_flush);
    }

    private void Sent(int count)
    {
        if (count == 0) return;
        _buffer.Consume(count);
        Counted(count);
    }

    private void Counted(int count)
    {
        _sent += count;
        _onSent(count);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAsync()
    {
        var isReady = await _stream.WritableAsync();
        IsBlocked = false;
        if (!isReady) IsBroken = true;
        else Flush();
        if (!IsBlocked) _onWritable();
    }
}
