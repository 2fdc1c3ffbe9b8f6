using System.Collections.Immutable;
using System.Globalization;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Lateen.Foundation.Net;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Listeners;

/// <summary>Makes an outbound listener of its chains (pilot/pkg/networking/core/listener.go#buildListenerFromEntry).</summary>
internal static class ListenerAssembly
{
    public static string NameOf(string bind, int port) =>
        bind.StartsWith("unix://", StringComparison.Ordinal) ? bind : string.Create(CultureInfo.InvariantCulture, $"{bind}_{port}");

    /// <summary>The listener, serialized once for all proxies for which it is equal.</summary>
    public static EncodedResource Get(Client client, OutboundEntry entry)
    {
        var key = new Key(
            entry.Bind, entry.Port, entry.BindsToPort, client.Facets.Filters, client.Facets.AcceptsHttp10, client.Facets.Interception, client.Scope.AllowsAny, client.Facets.Telemetry.AsClient, new([.. entry.Chains]));
        return client.Mesh.Generated.Get(key, (client, entry), static s => Encode(s.client, s.entry));
    }

    public static FilterChain Chain(ChainSpec spec, MeshSettings mesh, FilterSupport filters, bool acceptsHttp10, TelemetryPlan telemetry)
    {
        var chain = new FilterChain { TransportSocketConnectTimeout = Durations.Seconds(15) };
        if (spec.MetadataPath.Length > 0) chain.Metadata = IstioMetadata.OfConfig(spec.MetadataPath);
        if (spec.Http != null) chain.Filters.Add(HttpConnections.Build(spec.Http, mesh, filters, acceptsHttp10, telemetry));
        else chain.Filters.AddRange(TcpProxies.Build(spec.Tcp!, mesh, filters, telemetry));
        if (!spec.MatchesAll) chain.FilterChainMatch = Match(spec);
        return chain;
    }

    public static Address AddressOf(string bind, int port) => bind.StartsWith("unix://", StringComparison.Ordinal)
        ? new() { Pipe = new() { Path = bind["unix://".Length..] } }
        : new() { SocketAddress = new() { Address = bind, PortValue = (uint)port } };

    private static EncodedResource Encode(Client client, OutboundEntry entry)
    {
        var name = NameOf(entry.Bind, entry.Port);
        return EncodedResource.Encode(name, Build(client, entry, name));
    }

    private static Listener Build(Client client, OutboundEntry entry, string name)
    {
        var listener = new Listener
        {
            Name = name,
            Address = AddressOf(entry.Bind, entry.Port),
            TrafficDirection = TrafficDirection.Outbound,
            ContinueOnListenerFiltersTimeout = true,
            ListenerFiltersTimeout = Durations.Zero,
        };
        if (entry.BindsToPort) listener.MaxConnectionsToAcceptPerSocketEvent = 1;
        else listener.BindToPort = false;
        if (client.Node.Interception == InterceptionMode.Tproxy && entry.BindsToPort) listener.Transparent = true;
        if (entry.Chains.Exists(c => c.ServerNames.Count > 0)) listener.ListenerFilters.Add(ListenerFilters.TlsInspector());
        if (entry.Chains.Exists(c => c.DetectsHttp))
        {
            listener.ListenerFilters.Add(ListenerFilters.HttpInspector());
            listener.ListenerFiltersTimeout = client.Mesh.ProtocolDetectionTimeout;
        }
        foreach (var spec in entry.Chains)
        {
            var chain = Chain(spec, client.Mesh, client.Facets.Filters, client.Facets.AcceptsHttp10, client.Facets.Telemetry.AsClient);
            if (spec.MatchesAll) listener.DefaultFilterChain ??= chain;
            else listener.FilterChains.Add(chain);
        }
        if (listener.DefaultFilterChain != null && listener.FilterChains.Count == 0)
        {
            listener.FilterChains.Add(listener.DefaultFilterChain);
            listener.DefaultFilterChain = null;
        }
        else listener.DefaultFilterChain ??= Fallthrough(client);
        return listener;
    }

    /// <summary>What the chains do not take goes where the client wanted, or nowhere.</summary>
    private static FilterChain Fallthrough(Client client)
    {
        var cluster = client.Scope.AllowsAny ? ClusterName.Passthrough : ClusterName.BlackHole;
        var chain = new FilterChain { Name = "PassthroughFilterChain", FilterChainMatch = new() };
        chain.Filters.AddRange(TcpProxies.Build(new TcpChain(cluster, [new(cluster, 0)]), client.Mesh, FilterSupport.None, client.Facets.Telemetry.AsClient));
        return chain;
    }

    private static FilterChainMatch Match(ChainSpec spec)
    {
        var match = new FilterChainMatch();
        // Every name is the same as no condition on names.
        if (!spec.ServerNames.All.Contains("*")) match.ServerNames.AddRange(spec.ServerNames.All.Order(StringComparer.Ordinal));
        match.ApplicationProtocols.AddRange(spec.Protocols.All);
        foreach (var range in spec.Ranges.All)
            if (IpPrefix.TryParse(range, out var prefix)) match.PrefixRanges.Add(new CidrRange { AddressPrefix = prefix.Address.ToString(), PrefixLen = (uint)prefix.Length });
        if (spec.DetectsHttp)
        {
            match.ApplicationProtocols.AddRange(ListenerFilters.PlainHttp);
            match.TransportProtocol = ListenerFilters.RawBuffer;
        }
        return match;
    }

    private sealed record Key(
        string Bind, int Port, bool BindsToPort, FilterSupport Filters, bool AcceptsHttp10, InterceptionMode Interception, bool AllowsAny, TelemetryPlan Telemetry, ChainList Chains);

    private sealed class ChainList(ImmutableArray<ChainSpec> chains) : IEquatable<ChainList>
    {
        private readonly ImmutableArray<ChainSpec> _chains = chains;

        public bool Equals(ChainList? other) => other != null && _chains.AsSpan().SequenceEqual(other._chains.AsSpan());

        public override bool Equals(object? obj) => Equals(obj as ChainList);

        public override int GetHashCode() => _chains.Length == 0 ? 0 : HashCode.Combine(_chains.Length, _chains[0]);
    }
}
