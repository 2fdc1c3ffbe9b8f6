using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Dns;

/// <summary>The machine's own resolvers, asked for names outside the cluster. Any thread.</summary>
/// <param name="servers">In order of preference; may be empty.</param>
/// <param name="networkNamespacePath">The network namespace from which they are reached, or null for this process's own.</param>
internal sealed class DnsUpstream(IReadOnlyList<IPEndPoint> servers, string? networkNamespacePath)
{
    private static readonly TimeSpan PatiencePerServer = TimeSpan.FromSeconds(2);

    /// <summary>Reads the servers of a resolv.conf(5).</summary>
    public static IReadOnlyList<IPEndPoint> ReadServers(string resolvConf)
    {
        if (!File.Exists(resolvConf)) return [];
        return [.. File.ReadLines(resolvConf)
            .Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words.Length >= 2 && words[0] == "nameserver")
            .Select(words => IPAddress.TryParse(words[1], out var address) ? address : null)
            .OfType<IPAddress>()
            .Select(address => new IPEndPoint(address, 53))];
    }

    /// <summary>Passes a query on and its answer back, byte for byte.</summary>
    /// <returns>Null when no server answered.</returns>
    public async Task<byte[]?> ForwardAsync(ReadOnlyMemory<byte> query, bool overTcp, CancellationToken cancel)
    {
        foreach (var server in servers)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(PatiencePerServer);
            try
            {
                using var socket = await CreateSocketAsync(server.AddressFamily, overTcp);
                await socket.ConnectAsync(server, patience.Token);
                return overTcp ? await AskTcpAsync(socket, query, patience.Token) : await AskUdpAsync(socket, query, patience.Token);
            }
            catch (Exception failure) when (failure is SocketException or IOException || failure is OperationCanceledException && !cancel.IsCancellationRequested)
            {
                // The next server may answer.
            }
        }
        return null;
    }

    private static async Task<byte[]> AskUdpAsync(Socket socket, ReadOnlyMemory<byte> query, CancellationToken cancel)
    {
        await socket.SendAsync(query, cancel);
        var buffer = new byte[ushort.MaxValue];
        while (true)
        {
            var count = await socket.ReceiveAsync(buffer, cancel);
            if (count >= 12 && buffer.AsSpan(0, 2).SequenceEqual(query.Span[..2])) return buffer[..count];
        }
    }

    private static async Task<byte[]> AskTcpAsync(Socket socket, ReadOnlyMemory<byte> query, CancellationToken cancel)
    {
        await using var stream = new NetworkStream(socket);
        var framed = new byte[query.Length + 2];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)query.Length);
        query.CopyTo(framed.AsMemory(2));
        await stream.WriteAsync(framed, cancel);
        var length = new byte[2];
        await stream.ReadExactlyAsync(length, cancel);
        var answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
        await stream.ReadExactlyAsync(answer, cancel);
        return answer;
    }

    private Task<Socket> CreateSocketAsync(AddressFamily family, bool overTcp)
    {
        var (type, protocol) = overTcp ? (SocketType.Stream, ProtocolType.Tcp) : (SocketType.Dgram, ProtocolType.Udp);
        if (networkNamespacePath is null) return Task.FromResult(new Socket(family, type, protocol));
        return NamespaceThread.RunAsync("dns upstream", () =>
        {
            LinuxNamespaces.Enter(networkNamespacePath, NamespaceKinds.Network);
            return new Socket(family, type, protocol);
        });
    }
}
