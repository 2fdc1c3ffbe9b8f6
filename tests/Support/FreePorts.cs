using System.Net;
using System.Net.Sockets;

namespace Lateen.Support;

/// <summary>Ports for programs that cannot be asked to bind port 0. Ours bind port 0 and say which port they got.</summary>
public static class FreePorts
{
    /// <summary>A TCP port of 127.0.0.1 that was free a moment ago.</summary>
    public static int One() => Many(1)[0];

    /// <summary>Several ports, all different.</summary>
    public static int[] Many(int count)
    {
        var sockets = Enumerable.Range(0, count).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToArray();
        try
        {
            foreach (var socket in sockets) socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            return [.. sockets.Select(socket => ((IPEndPoint)socket.LocalEndPoint!).Port)];
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }
    }
}
