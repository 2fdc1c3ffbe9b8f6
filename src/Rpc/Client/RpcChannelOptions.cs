using System.Net.Security;

namespace Lateen.Rpc.Client;

/// <summary>How a channel connects and what it bears.</summary>
public sealed record RpcChannelOptions
{
    /// <summary>Largest response message in bytes.</summary>
    public int MaxReceiveMessageSize { get; init; } = 4 << 20;

    /// <summary>How long one attempt to connect may take.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Idle time after which the connection is probed with a ping; infinite for never.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a ping may stay unanswered before the connection is given up.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>TLS settings of an https channel; null for the defaults of the platform.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }
}

/// <summary>Settings of one call.</summary>
/// <param name="Timeout">Sent as grpc-timeout, and kept by the client too; null for none.</param>
/// <param name="Headers">The application's headers; null for none.</param>
public sealed record RpcCallOptions(TimeSpan? Timeout = null, RpcMetadata? Headers = null)
{
    /// <summary>No deadline, no headers.</summary>
    public static RpcCallOptions None { get; } = new();
}
