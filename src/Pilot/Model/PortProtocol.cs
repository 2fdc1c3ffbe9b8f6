namespace Lateen.Pilot.Model;

/// <summary>The application protocol of a port; <see cref="Unsupported"/> is one that the proxy must detect.</summary>
internal enum PortProtocol { Unsupported, Udp, Tcp, Http, HttpProxy, Http2, Https, Grpc, GrpcWeb, Tls, Mongo, Redis, MySql }

/// <summary>The kind of listener that a protocol needs.</summary>
internal enum ListenerProtocol { None, Http, Tcp, Auto }

internal static class PortProtocols
{
    /// <summary>The name of a protocol in a Gateway, a ServiceEntry or a Sidecar.</summary>
    public static PortProtocol Parse(string name) => name.ToLowerInvariant() switch
    {
        "tcp" => PortProtocol.Tcp,
        "udp" => PortProtocol.Udp,
        "grpc" => PortProtocol.Grpc,
        "grpc-web" => PortProtocol.GrpcWeb,
        "http" => PortProtocol.Http,
        "http_proxy" => PortProtocol.HttpProxy,
        "http2" => PortProtocol.Http2,
        "https" => PortProtocol.Https,
        "tls" => PortProtocol.Tls,
        "mongo" => PortProtocol.Mongo,
        "redis" => PortProtocol.Redis,
        "mysql" => PortProtocol.MySql,
        _ => PortProtocol.Unsupported,
    };

    /// <summary>
    /// The protocol of a Kubernetes service port: UDP, then appProtocol, then the port's name up to its first dash; a port
    /// whose server speaks first by convention is TCP when nothing is said (pkg/config/kube/conversion.go#ConvertProtocol).
    /// </summary>
    public static PortProtocol FromKubernetes(int port, string portName, string transport, string? appProtocol)
    {
        if (transport == "UDP") return PortProtocol.Udp;
        var name = appProtocol ?? portName;
        if (appProtocol != null)
            switch (appProtocol.ToLowerInvariant())
            {
                case "kubernetes.io/h2c": return PortProtocol.Http2;
                case "kubernetes.io/ws": return PortProtocol.Http;
                case "kubernetes.io/wss": return PortProtocol.Https;
            }
        if (name.StartsWith("grpc-web", StringComparison.OrdinalIgnoreCase)) return PortProtocol.GrpcWeb;
        var dash = name.IndexOf('-', StringComparison.Ordinal);
        var protocol = Parse(dash < 0 ? name : name[..dash]);
        return protocol == PortProtocol.Unsupported && IsServerFirst(port) ? PortProtocol.Tcp : protocol;
    }

    /// <summary>Ports of protocols in which the server speaks first: detection would wait for a client that waits too.</summary>
    public static bool IsServerFirst(int port) => port is 25 or 53 or 3306 or 27017;

    public static bool IsHttp(this PortProtocol protocol) =>
        protocol is PortProtocol.Http or PortProtocol.Http2 or PortProtocol.Grpc or PortProtocol.GrpcWeb or PortProtocol.HttpProxy;

    public static bool IsHttpOrSniffed(this PortProtocol protocol) => protocol.IsHttp() || protocol == PortProtocol.Unsupported;

    public static bool IsHttp2(this PortProtocol protocol) =>
        protocol is PortProtocol.Http2 or PortProtocol.Grpc or PortProtocol.GrpcWeb;

    public static bool IsTcp(this PortProtocol protocol) =>
        protocol is PortProtocol.Tcp or PortProtocol.Https or PortProtocol.Tls or PortProtocol.Mongo or PortProtocol.Redis or PortProtocol.MySql;

    public static bool IsTls(this PortProtocol protocol) => protocol is PortProtocol.Https or PortProtocol.Tls;

    public static ListenerProtocol Listener(this PortProtocol protocol) => protocol switch
    {
        PortProtocol.Udp => ListenerProtocol.None,
        PortProtocol.Unsupported => ListenerProtocol.Auto,
        _ => protocol.IsHttp() ? ListenerProtocol.Http : ListenerProtocol.Tcp,
    };
}
