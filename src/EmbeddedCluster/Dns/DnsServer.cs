using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Lateen.Foundation.Snapshots;

namespace Lateen.EmbeddedCluster.Dns;

/// <summary>The cluster's name server, on UDP and TCP. Any thread.</summary>
internal sealed class DnsServer : IAsyncDisposable
{
    private const int MaxTcpConnections = 256;
    private static readonly TimeSpan IdleTcp = TimeSpan.FromSeconds(10);

    private readonly DnsResolver _resolver;
    private readonly Socket _udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Socket _tcp = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly SemaphoreSlim _tcpSlots = new(MaxTcpConnections);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task[] _loops;

    /// <summary>Binds both sockets and starts to answer.</summary>
    /// <exception cref="SocketException">The address is not this machine's, or the port is taken.</exception>
    public DnsServer(IPEndPoint address, Published<DnsZoneSnapshot> zone, DnsUpstream upstream)
    {
        _resolver = new DnsResolver(zone, upstream);
        try
        {
            _tcp.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _tcp.Bind(address);
            // One port for both. When the machine is to choose, TCP chooses: far more of its ports are in use than of UDP's.
            _udp.Bind(_tcp.LocalEndPoint!);
            _tcp.Listen();
        }
        catch (SocketException)
        {
            _udp.Dispose();
            _tcp.Dispose();
            throw;
        }
        Address = (IPEndPoint)_udp.LocalEndPoint!;
        _loops = [ServeUdpAsync(_stopping.Token), ServeTcpAsync(_stopping.Token)];
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _udp.Dispose();
        _tcp.Dispose();
        await Task.WhenAll(_loops);
        _stopping.Dispose();
    }

    private async Task ServeUdpAsync(CancellationToken cancel)
    {
        var buffer = GC.AllocateArray<byte>(4096, pinned: true);
        var anyone = new IPEndPoint(IPAddress.Any, 0);
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                var received = await _udp.ReceiveFromAsync(buffer, anyone, cancel);
                _ = AnswerUdpAsync(buffer[..received.ReceivedBytes], received.RemoteEndPoint, cancel);
            }
            catch (Exception failure) when (failure is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // A client that is gone, reported for an earlier answer, or the end.
            }
        }
    }

    private async Task AnswerUdpAsync(byte[] query, EndPoint client, CancellationToken cancel)
    {
        try
        {
            if (await _resolver.AnswerAsync(query, overTcp: false, cancel) is { } answer) await _udp.SendToAsync(answer, client, cancel);
        }
        catch (Exception failure) when (failure is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client asks again.
        }
    }

    private async Task ServeTcpAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await _tcpSlots.WaitAsync(cancel);
                _ = AnswerTcpAsync(await _tcp.AcceptAsync(cancel), cancel);
            }
            catch (Exception failure) when (failure is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                _tcpSlots.Release();
            }
        }
    }

    private async Task AnswerTcpAsync(Socket client, CancellationToken stopping)
    {
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        await using var stream = new NetworkStream(client, ownsSocket: true);
        try
        {
            var length = new byte[2];
            while (true)
            {
                idle.CancelAfter(IdleTcp);
                await stream.ReadExactlyAsync(length, idle.Token);
                var query = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(query, idle.Token);
                if (await _resolver.AnswerAsync(query, overTcp: true, idle.Token) is not { } answer) return;
                var framed = new byte[answer.Length + 2];
                BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)answer.Length);
                answer.CopyTo(framed, 2);
                await stream.WriteAsync(framed, idle.Token);
            }
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            // Closed by the client, or idle.
        }
        finally
        {
            _tcpSlots.Release();
        }
    }
}
