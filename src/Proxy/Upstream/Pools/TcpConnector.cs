using System.Runtime.CompilerServices;
using System.Text;
using Lateen.Proxy.Interop;
using Lateen.Proxy.Network;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Pools;

/// <summary>What one client's connection or request asks of the upstream connection beyond the cluster's settings. Immutable.</summary>
/// <param name="ServerName">Name to ask for by SNI; null for the cluster's.</param>
/// <param name="RequiredName">Name that the certificate must have; null for the cluster's rules alone.</param>
/// <param name="Protocols">ALPN list in wire form; null for the cluster's.</param>
/// <param name="Source">The client, for a PROXY header.</param>
/// <param name="Destination">Where the client went, for a PROXY header.</param>
internal readonly record struct ConnectWishes(
    string? ServerName = null, string? RequiredName = null, byte[]? Protocols = null, SocketAddress Source = default, SocketAddress Destination = default);

/// <summary>Makes connections to hosts with the settings of a cluster: TCP, a PROXY header, TLS. The cluster's timeout is for all of it.</summary>
internal static class TcpConnector
{
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public static async ValueTask<(AcquireStatus Status, ByteStream? Stream, int Error)> ConnectAsync(Worker worker, HostState host, ClusterSnapshot settings, ConnectAttempt attempt)
    {
        (attempt.TimedOut, attempt.Failure) = (false, "");
        var fd = NativeSocket.Connect(host.Address, settings.Source);
        if (fd < 0)
        {
            attempt.Failure = "delayed connect error: " + Errors.Text(-fd);
            return (AcquireStatus.ConnectFailure, null, -fd);
        }
        var tcp = new TcpStream(worker, fd, connected: false);
        attempt.Stream = tcp;
        var timer = new ActionTimer(() =>
        {
            attempt.TimedOut = true;
            attempt.Stream?.Abort();
        });
        worker.StartTimer(timer, settings.ConnectTimeoutMs);
        var error = await tcp.ConnectedAsync();
        ByteStream stream = tcp;
        if (error == 0)
        {
            if (settings.KeepAlive is { } keepAlive) NativeSocket.KeepAlive(fd, keepAlive.Idle, keepAlive.Interval, keepAlive.Probes);
            var transport = settings.Transports.For(host.TransportLabels);
            if (ReferenceEquals(transport, UpstreamTransport.Plain))
            {
                worker.StopTimer(timer);
                attempt.Stream = null;
                return (AcquireStatus.Ok, tcp, 0);
            }
            var upgraded = await UpgradeAsync(tcp, host, transport, attempt);
            worker.StopTimer(timer);
            attempt.Stream = null;
            if (upgraded is not null) return (AcquireStatus.Ok, upgraded, 0);
            var aborted = !attempt.TimedOut && attempt.Failure.Length == 0;
            return (attempt.TimedOut ? AcquireStatus.ConnectTimeout : aborted ? AcquireStatus.Aborted : AcquireStatus.ConnectFailure, null, Libc.EConnReset);
        }
        worker.StopTimer(timer);
        attempt.Stream = null;
        var status = attempt.TimedOut ? AcquireStatus.ConnectTimeout : tcp.Error == 0 && error == Libc.EConnReset && !tcp.PeerClosed ? AcquireStatus.Aborted : AcquireStatus.ConnectFailure;
        if (status == AcquireStatus.ConnectFailure) attempt.Failure = "delayed connect error: " + Errors.Text(error);
        stream.Close();
        return (status, null, error);
    }

    /// <summary>What goes on top of TCP; null when it failed, with everything closed.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<ByteStream?> UpgradeAsync(TcpStream tcp, HostState host, UpstreamTransport transport, ConnectAttempt attempt)
    {
        if (transport.ProxyProtocol > 0)
        {
            var header = ProxyHeader.Write(transport.ProxyProtocol, attempt.Wishes.Source, attempt.Wishes.Destination);
            // A few bytes on a fresh connection: there is always room.
            if (tcp.TrySend(header, out var sent) != IoStatus.Ok || sent < header.Length)
            {
                attempt.Failure = "the PROXY header could not be sent";
                tcp.Close();
                return null;
            }
        }
        if (transport.Tls is not { } tls) return tcp;
        if (tls.Current is not { } context)
        {
            tls.Stats.OnNotReady(tcp.Worker);
            attempt.Failure = "TLS_error:Secret is not supplied by SDS";
            tcp.Close();
            return null;
        }
        var name = attempt.Wishes.ServerName ?? (tls.Settings.AutoHostName ? host.Hostname : "");
        var peer = new TlsPeer(host.Address, name, attempt.Wishes.Protocols, attempt.Wishes.RequiredName ?? "");
        var secure = new TlsStream(tcp, context, peer, default);
        attempt.Stream = secure;
        if (await secure.HandshakeAsync()) return secure;
        attempt.Failure = secure.Failure.Length > 0 ? secure.Failure : secure.PeerClosed ? "TLS_error:|connection closed by the peer during the handshake:TLS_error_end" : "";
        secure.Close();
        return null;
    }
}
