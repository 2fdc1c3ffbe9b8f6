using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Api.Services;
using Lateen.Foundation.Cli;
using Lateen.Rpc.Client;

/// <summary>
/// One stream to an xDS server, of either protocol: asks as a proxy does, in the order clusters, endpoints, listeners, routes, and accepts
/// what comes. Owned by one caller.
/// </summary>
internal sealed class XdsSession : IAsyncDisposable
{
    private const int LargestResponse = 256 << 20;

    private readonly RpcChannel _channel;
    private readonly TimeSpan _limit;
    private readonly CancellationTokenSource _stop;
    private readonly RpcDuplexCall<DiscoveryRequest, DiscoveryResponse>? _state;
    private readonly RpcDuplexCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse>? _delta;
    private readonly IAsyncEnumerator<IMessage> _responses;
    private readonly Dictionary<string, Dictionary<string, Any>> _all = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string[]> _asked = new(StringComparer.Ordinal);
    private Node? _node;

    public XdsSession(string target, Node node, bool delta, TimeSpan limit, CancellationToken cancel)
    {
        (_node, _limit, _stop) = (node, limit, CancellationTokenSource.CreateLinkedTokenSource(cancel));
        _channel = RpcChannel.Create(target, new() { MaxReceiveMessageSize = LargestResponse });
        if (delta) _delta = _channel.OpenDuplex(AggregatedDiscovery.Delta, cancel: _stop.Token);
        else _state = _channel.OpenDuplex(AggregatedDiscovery.Stream, cancel: _stop.Token);
        _responses = ((IAsyncEnumerable<IMessage>?)_delta?.ReadAllAsync(_stop.Token) ?? _state!.ReadAllAsync(_stop.Token)).GetAsyncEnumerator(_stop.Token);
    }

    /// <summary>The resources of these types by type and name. What a type depends on is asked for too.</summary>
    /// <exception cref="CommandFailedException">The server does not answer in time.</exception>
    public async Task<IReadOnlyDictionary<string, Dictionary<string, Any>>> ReadAsync(IReadOnlyCollection<string> types)
    {
        if (types.Contains(TypeUrls.Cluster) || types.Contains(TypeUrls.Endpoint)) await AskAsync(TypeUrls.Cluster, []);
        if (types.Contains(TypeUrls.Endpoint)) await AskNamedAsync(TypeUrls.Endpoint, _all[TypeUrls.Cluster].Values.Select(c => EndpointName(c.Unpack<Cluster>())));
        if (types.Contains(TypeUrls.Listener) || types.Contains(TypeUrls.Route)) await AskAsync(TypeUrls.Listener, []);
        if (types.Contains(TypeUrls.Route)) await AskNamedAsync(TypeUrls.Route, _all[TypeUrls.Listener].Values.SelectMany(l => RouteNames(l.Unpack<Listener>())));
        if (types.Contains(TypeUrls.Secret)) await AskNamedAsync(TypeUrls.Secret, ["default", "ROOTCA"]);
        return _all.Where(t => types.Contains(t.Key)).ToDictionary();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_delta != null) await _delta.DisposeAsync();
        if (_state != null) await _state.DisposeAsync();
        _channel.Dispose();
        _stop.Dispose();
    }

    private static string EndpointName(Cluster cluster) => cluster.Type != Cluster.Types.DiscoveryType.Eds ? "" : cluster.EdsClusterConfig is { ServiceName.Length: > 0 } eds ? eds.ServiceName : cluster.Name;

    private static IEnumerable<string> RouteNames(Listener listener) =>
        listener.FilterChains.Append(listener.DefaultFilterChain).Where(chain => chain != null).SelectMany(chain => chain.Filters).Select(filter => filter.TypedConfig)
            .Append(listener.ApiListener?.ApiListener_).Where(config => config?.Is(HttpConnectionManager.Descriptor) == true)
            .Select(config => config!.Unpack<HttpConnectionManager>().Rds?.RouteConfigName ?? "");

    private Task AskNamedAsync(string type, IEnumerable<string> names)
    {
        string[] distinct = [.. names.Where(n => n.Length > 0).Distinct(StringComparer.Ordinal)];
        _all[type] = [];
        // Without names the request would be for all of them, or for none: servers differ.
        return distinct.Length == 0 ? Task.CompletedTask : AskAsync(type, distinct);
    }

    /// <summary>Asks, and takes responses until the type has answered, for every name where names are asked for.</summary>
    private async Task AskAsync(string type, string[] names)
    {
        (_all[type], _asked[type]) = ([], names);
        await SendAsync(type, names, "", "");
        for (var missing = true; missing;)
        {
            var (of, version, nonce, resources) = Open(await NextAsync(type, names));
            if (_all.TryGetValue(of, out var known))
                foreach (var (name, resource) in resources) known[name] = resource;
            await SendAsync(of, _asked.GetValueOrDefault(of, []), version, nonce);
            missing = of != type || !Array.TrueForAll(names, _all[type].ContainsKey);
        }
    }

    private async Task<IMessage> NextAsync(string type, string[] names)
    {
        try
        {
            if (await _responses.MoveNextAsync().AsTask().WaitAsync(_limit, _stop.Token)) return _responses.Current;
            throw new CommandFailedException("the server ended the stream");
        }
        catch (TimeoutException e)
        {
            var what = names.Length == 0 ? type : $"{type}: {string.Join(", ", names.Where(n => !_all[type].ContainsKey(n)))}";
            throw new CommandFailedException($"the server does not send within {_limit.TotalSeconds:F0} s {what}", e);
        }
    }

    private Task SendAsync(string type, string[] names, string version, string nonce)
    {
        var node = _node;
        _node = null;
        if (_state != null) return _state.WriteAsync(new() { Node = node, TypeUrl = type, ResourceNames = { names }, VersionInfo = version, ResponseNonce = nonce });
        var request = new DeltaDiscoveryRequest { Node = node, TypeUrl = type, ResponseNonce = nonce };
        if (nonce.Length == 0) request.ResourceNamesSubscribe.AddRange(names);
        return _delta!.WriteAsync(request);
    }

    private static (string Type, string Version, string Nonce, IEnumerable<(string Name, Any Resource)> Resources) Open(IMessage message) => message switch
    {
        DiscoveryResponse state => (state.TypeUrl, state.VersionInfo, state.Nonce, state.Resources.Select(r => (AnyJson.NameOf(r), r))),
        DeltaDiscoveryResponse delta => (delta.TypeUrl, delta.SystemVersionInfo, delta.Nonce, delta.Resources.Where(r => r.Resource_ != null).Select(r => (r.Name, r.Resource_))),
        _ => throw new ArgumentException("no response", nameof(message)),
    };
}
