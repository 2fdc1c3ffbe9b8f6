namespace Lateen.Api;

/// <summary>The resource types of xDS v3.</summary>
public static class TypeUrls
{
    /// <summary>What every type URL begins with.</summary>
    public const string Prefix = "type.googleapis.com/";

    /// <summary>CDS.</summary>
    public const string Cluster = Prefix + "envoy.config.cluster.v3.Cluster";

    /// <summary>EDS.</summary>
    public const string Endpoint = Prefix + "envoy.config.endpoint.v3.ClusterLoadAssignment";

    /// <summary>LDS.</summary>
    public const string Listener = Prefix + "envoy.config.listener.v3.Listener";

    /// <summary>RDS.</summary>
    public const string Route = Prefix + "envoy.config.route.v3.RouteConfiguration";

    /// <summary>SDS.</summary>
    public const string Secret = Prefix + "envoy.extensions.transport_sockets.tls.v3.Secret";

    /// <summary>ECDS.</summary>
    public const string ExtensionConfig = Prefix + "envoy.config.core.v3.TypedExtensionConfig";
}
