using System.Net;

namespace Lateen.EmbeddedCluster.ServiceProxy;

/// <summary>One port of a service with the addresses at which it is to be reached and those that answer. Immutable.</summary>
internal sealed record ProxiedPort
{
    /// <summary>For people: <c>namespace/service:port</c>.</summary>
    public required string Name { get; init; }

    /// <summary>tcp, udp or sctp.</summary>
    public required string Protocol { get; init; }

    /// <summary>The service's port.</summary>
    public required int Port { get; init; }

    /// <summary>Port on every address of the node, or 0.</summary>
    public int NodePort { get; init; }

    /// <summary>The service's own addresses.</summary>
    public required IReadOnlyList<IPAddress> Addresses { get; init; }

    /// <summary>How long a client stays with its endpoint, in seconds; 0 is not at all.</summary>
    public int AffinitySeconds { get; init; }

    /// <summary>Ready endpoints.</summary>
    public required IReadOnlyList<IPEndPoint> Endpoints { get; init; }
}
