using Envoy.Service.Discovery.V3;
using Lateen.Rpc;

namespace Lateen.Api.Services;

/// <summary>The aggregated discovery service of xDS v3. Source: envoy/service/discovery/v3/ads.proto.</summary>
public static class AggregatedDiscovery
{
    private const string Service = "envoy.service.discovery.v3.AggregatedDiscoveryService";

    /// <summary>State of the world.</summary>
    public static readonly RpcMethod<DiscoveryRequest, DiscoveryResponse> Stream = new(RpcKind.Duplex, Service, "StreamAggregatedResources");

    /// <summary>Differences.</summary>
    public static readonly RpcMethod<DeltaDiscoveryRequest, DeltaDiscoveryResponse> Delta = new(RpcKind.Duplex, Service, "DeltaAggregatedResources");
}
