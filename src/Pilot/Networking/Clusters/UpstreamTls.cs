using Istio.Networking.V1Alpha3;

namespace Lateen.Pilot.Networking.Clusters;

/// <summary>What a DestinationRule demands of the connection to a destination.</summary>
internal static class UpstreamTls
{
    /// <summary>Whether the rule says that the traffic must be encrypted by the proxy.</summary>
    public static bool IsRequired(ClientTLSSettings? tls) => tls != null && tls.Mode != ClientTLSSettings.Types.TLSmode.Disable;
}
