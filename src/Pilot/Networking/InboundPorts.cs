using System.Collections.Immutable;
using System.Globalization;
using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using Service = Lateen.Pilot.Model.Service;
using ServicePort = Lateen.Pilot.Model.ServicePort;

namespace Lateen.Pilot.Networking;

/// <summary>
/// One port on which a workload takes traffic: the services behind it, or a Sidecar's ingress listener. Immutable; equal by
/// value where every part is the same object.
/// </summary>
internal sealed record InboundPort
{
    /// <summary>The workload's port.</summary>
    public required int Number { get; init; }

    public required PortProtocol Protocol { get; init; }

    /// <summary>The service and port that name the traffic in traces; the oldest service has the port.</summary>
    public required Service? Service { get; init; }

    public required ServicePort Port { get; init; }

    /// <summary>All services that meet on this port.</summary>
    public SameServices Services { get; init; } = new([]);

    /// <summary>The address of the proxy where the operator said one; <c>0.0.0.0</c> for what is captured.</summary>
    public string Bind { get; init; } = "0.0.0.0";

    public bool BindsToPort { get; init; }

    /// <summary>Where the application listens, as host and port or as a socket; empty for where the client wanted to go.</summary>
    public string Endpoint { get; init; } = "";

    public ConnectionPoolSettings? ConnectionPool { get; init; }

    /// <summary>The Sidecar object; empty for ports of services.</summary>
    public string MetadataPath { get; init; } = "";

    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Bind}_{Number}");
    public string Cluster => ClusterName.Inbound(Number);
}

/// <summary>Services, equal to the same services. Immutable.</summary>
internal sealed class SameServices(IEnumerable<Service> all) : IEquatable<SameServices>
{
    public ImmutableArray<Service> All { get; } = [.. all];

    public bool Equals(SameServices? other) => other != null && All.AsSpan().SequenceEqual(other.All.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as SameServices);

    public override int GetHashCode() => All.Length;
}

/// <summary>The ports of a sidecar's workload (pilot/pkg/networking/core/listener_inbound.go). Immutable; equal by value.</summary>
internal sealed class InboundPorts(ImmutableArray<InboundPort> all) : IEquatable<InboundPorts>
{
    public ImmutableArray<InboundPort> All { get; } = all;

    public static InboundPorts Of(Client client) =>
        client.Scope.Sidecar is { Ingress.Count: > 0 } sidecar ? OfSidecar(client, sidecar) : OfServices(client);

    public bool Equals(InboundPorts? other) => other != null && All.AsSpan().SequenceEqual(other.All.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as InboundPorts);

    public override int GetHashCode() => All.Length == 0 ? 0 : HashCode.Combine(All.Length, All[0].Number);

    private static InboundPorts OfServices(Client client)
    {
        var none = client.Node.Interception == InterceptionMode.None;
        return new([.. client.Targets.All.GroupBy(t => t.TargetPort).Select(g =>
        {
            var first = g.First();
            return new InboundPort
            {
                Number = first.TargetPort,
                Protocol = first.Port.Protocol,
                Service = first.Service,
                Port = first.Port,
                Services = new(g.Select(t => t.Service).Distinct()),
                // Without capture the proxy itself stands at the pod's address, and the application at another.
                Bind = none ? client.Node.Addresses[0] : "0.0.0.0",
                BindsToPort = none,
                Endpoint = none ? string.Create(CultureInfo.InvariantCulture, $"{client.Node.ApplicationAddress}:{first.TargetPort}") : "",
                ConnectionPool = client.Scope.Sidecar?.InboundConnectionPool,
            };
        }).OrderBy(p => p.Number)]);
    }

    private static InboundPorts OfSidecar(Client client, Sidecar sidecar) => new([.. sidecar.Ingress.Select(listener =>
    {
        var number = (int)listener.Port.Number;
        var port = new ServicePort(listener.Port.Name, number, PortProtocols.Parse(listener.Port.Protocol));
        var targets = client.Targets.All.Where(t => t.TargetPort == number).ToList();
        var binds = client.Node.Interception == InterceptionMode.None || listener.CaptureMode == CaptureMode.None;
        return new InboundPort
        {
            Number = number,
            Protocol = port.Protocol,
            Service = targets.FirstOrDefault()?.Service,
            Port = port,
            Services = new(targets.Select(t => t.Service).Distinct()),
            Bind = listener.Bind.Length > 0 ? listener.Bind : client.Node.Addresses[0],
            BindsToPort = binds,
            Endpoint = listener.DefaultEndpoint.StartsWith("0.0.0.0:", StringComparison.Ordinal)
                ? client.Node.Addresses[0] + listener.DefaultEndpoint["0.0.0.0".Length..]
                : listener.DefaultEndpoint,
            ConnectionPool = listener.ConnectionPool ?? sidecar.InboundConnectionPool,
            MetadataPath = client.Scope.SidecarConfig!.MetadataPath(),
        };
    }).DistinctBy(p => (p.Bind, p.Number))]);
}
