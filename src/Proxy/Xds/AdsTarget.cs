using Envoy.Config.Core.V3;
using Lateen.Proxy.Upstream.Clusters;
using BootstrapConfig = Envoy.Config.Bootstrap.V3.Bootstrap;

namespace Lateen.Proxy.Xds;

/// <summary>Where the control plane is: the address of the cluster that the bootstrap names for it.</summary>
internal static class AdsTarget
{
    /// <summary>A target for a gRPC channel; null while the cluster has no host.</summary>
    public static string? Of(ClusterState? cluster, BootstrapConfig bootstrap, string name)
    {
        if (cluster?.Hosts.All is { Length: > 0 } hosts)
        {
            var address = hosts[Random.Shared.Next(hosts.Length)].Address;
            return address.Path is { } path ? $"unix://{path}" : $"http://{address}";
        }
        // Names that do not resolve yet are left to the channel, which says why it cannot connect.
        var message = bootstrap.StaticResources?.Clusters.FirstOrDefault(candidate => candidate.Name == name);
        return message?.LoadAssignment?.Endpoints.SelectMany(locality => locality.LbEndpoints).Select(endpoint => endpoint.Endpoint?.Address).FirstOrDefault() switch
        {
            { AddressCase: Address.AddressOneofCase.SocketAddress } socket => $"http://{socket.SocketAddress.Address}:{socket.SocketAddress.PortValue}",
            { AddressCase: Address.AddressOneofCase.Pipe } pipe => $"unix://{Path.GetFullPath(pipe.Pipe.Path)}",
            _ => null,
        };
    }
}
