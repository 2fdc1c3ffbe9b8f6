namespace Lateen.Bench.Load;

/// <summary>One kind of traffic. Immutable.</summary>
/// <param name="Name">How it is called on the command line and in the results.</param>
/// <param name="What">What is sent.</param>
/// <param name="Connections">Connections of the client.</param>
/// <param name="Path">What is asked for.</param>
/// <param name="Port">Which of a proxy's ports.</param>
/// <param name="PostBytes">Size of a request body; 0 for GET.</param>
/// <param name="Client">Who sends it.</param>
internal sealed record Scenario(string Name, string What, int Connections, string Path, PortKind Port = PortKind.Http, int PostBytes = 0, ClientKind Client = ClientKind.Http1)
{
    /// <summary>All, in the order of the results.</summary>
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("http-small", "HTTP/1.1 GET, 128 B answers, 64 connections", 64, "/small"),
        new("http-large", "HTTP/1.1 GET, 16 KiB answers, 64 connections", 64, "/large"),
        new("http-post", "HTTP/1.1 POST of 1 KiB, 128 B answers, 64 connections", 64, "/small", PostBytes: 1024),
        new("http-1000", "HTTP/1.1 GET, 128 B answers, 1000 connections", 1000, "/small"),
        new("rbac-small", "HTTP/1.1 GET, 128 B answers, 64 connections, one RBAC policy", 64, "/small", PortKind.Rbac),
        new("h2-h1", "HTTP/2 GET, HTTP/1.1 upstream, 128 B answers, 8 connections with 16 streams each", 8, "/small", PortKind.Http2, Client: ClientKind.Http2),
        new("h2-h2", "HTTP/2 GET, HTTP/2 upstream, 128 B answers, 8 connections with 16 streams each", 8, "/small", PortKind.Http2Both, Client: ClientKind.Http2),
        new("tls-small", "HTTP/1.1 GET over TLS 1.3 on both sides, with a client certificate upstream, 128 B answers, 64 connections", 64, "/small", PortKind.Tls),
        new("handshake", "a new TLS 1.3 connection for each request, one after the other, without resumption", 1, "/small", PortKind.Tls, Client: ClientKind.Handshakes),
        new("tcp", "TCP forwarding of HTTP/1.1 GET, 128 B answers, 64 connections", 64, "/small", PortKind.Tcp),
    ];
}

/// <summary>The listeners of a proxy under measurement.</summary>
internal enum PortKind
{
    /// <summary>HTTP with routing, statistics and an access log.</summary>
    Http,

    /// <summary>The same with one authorization policy.</summary>
    Rbac,

    /// <summary>HTTP/2 with prior knowledge, HTTP/1.1 upstream.</summary>
    Http2,

    /// <summary>HTTP/2 with prior knowledge on both sides.</summary>
    Http2Both,

    /// <summary>HTTP/1.1 over TLS on both sides.</summary>
    Tls,

    /// <summary>Bytes.</summary>
    Tcp,
}

/// <summary>The clients.</summary>
internal enum ClientKind
{
    /// <summary>wrk.</summary>
    Http1,

    /// <summary>h2load.</summary>
    Http2,

    /// <summary>openssl s_time.</summary>
    Handshakes,
}
