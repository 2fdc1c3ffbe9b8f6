using System.Diagnostics;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api.Services;
using Lateen.Rpc.Client;

namespace Lateen.Bench.Pilot;

/// <summary>A sidecar as Pilot sees it: asks for everything in Envoy's order, acknowledges what comes, looks at little. Any thread.</summary>
internal sealed class VirtualProxy : IAsyncDisposable
{
    private const string Clusters = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
    private const string Endpoints = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
    private const string Listeners = "type.googleapis.com/envoy.config.listener.v3.Listener";
    private const string Routes = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
    private readonly RpcChannel _channel;
    private readonly RpcDuplexCall<DiscoveryRequest, DiscoveryResponse> _call;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _complete = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, (string Version, string[] Names)> _state = [];
    private Task _reading = Task.CompletedTask;
    private long _routesAt;

    public VirtualProxy(string target, int number)
    {
        _channel = RpcChannel.Create(target);
        _call = _channel.OpenDuplex(AggregatedDiscovery.Stream, new RpcCallOptions(), _stop.Token);
        Address = $"10.201.{number / 250}.{number % 250 + 1}";
        _node = new Node { Id = $"sidecar~{Address}~proxy-{number}.default~default.svc.cluster.local", Cluster = $"proxy-{number}", Metadata = new Struct() };
        _node.Metadata.Fields["NAMESPACE"] = Value.ForString("default");
        _node.Metadata.Fields["ISTIO_VERSION"] = Value.ForString("1.30.3");
    }

    private readonly Node _node;

    /// <summary>Its own address: an endpoint of one service.</summary>
    public string Address { get; }

    /// <summary>Completes when clusters, endpoints, listeners and routes are all there.</summary>
    public Task Complete => _complete.Task;

    /// <summary>Bytes of the responses so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Timestamp at which the last routes came.</summary>
    public long RoutesAt => Volatile.Read(ref _routesAt);

    public async Task StartAsync()
    {
        _reading = Task.Run(ReadAsync);
        await AskAsync(Clusters, []);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _reading;
        }
        catch (Exception e) when (e is OperationCanceledException or Lateen.Rpc.RpcException)
        {
            // Ended by ourselves.
        }
        await _call.DisposeAsync();
        _channel.Dispose();
        _stop.Dispose();
    }

    private async Task ReadAsync()
    {
        await foreach (var response in _call.ReadAllAsync(_stop.Token))
        {
            Bytes += response.CalculateSize();
            if (response.TypeUrl == Routes) Volatile.Write(ref _routesAt, Stopwatch.GetTimestamp());
            var first = !_state.TryGetValue(response.TypeUrl, out var state) || state.Version.Length == 0;
            await AskAsync(response.TypeUrl, state.Names ?? [], response.VersionInfo, response.Nonce);
            if (!first) continue;
            switch (response.TypeUrl)
            {
                case Clusters:
                    await AskAsync(Endpoints, [.. response.Resources.Select(any => any.Unpack<Cluster>()).Where(cluster => cluster.Type == Cluster.Types.DiscoveryType.Eds).Select(cluster => cluster.EdsClusterConfig.ServiceName is { Length: > 0 } name ? name : cluster.Name)]);
                    break;
                case Endpoints:
                    await AskAsync(Listeners, []);
                    break;
                case Listeners:
                    await AskAsync(Routes, [.. response.Resources.SelectMany(any => RouteNames(any.Unpack<Listener>())).Distinct()]);
                    break;
                case Routes:
                    _complete.TrySetResult();
                    break;
            }
        }
    }

    private static IEnumerable<string> RouteNames(Listener listener) =>
        listener.FilterChains.Append(listener.DefaultFilterChain).Where(chain => chain is not null).SelectMany(chain => chain.Filters)
            .Where(filter => filter.TypedConfig?.Is(HttpConnectionManager.Descriptor) == true)
            .Select(filter => filter.TypedConfig.Unpack<HttpConnectionManager>().Rds?.RouteConfigName ?? "").Where(name => name.Length > 0);

    private async Task AskAsync(string type, string[] names, string version = "", string nonce = "")
    {
        var request = new DiscoveryRequest { TypeUrl = type, VersionInfo = version, ResponseNonce = nonce };
        if (_state.Count == 0) request.Node = _node;
        _state[type] = (version, names);
        request.ResourceNames.AddRange(names);
        await _call.WriteAsync(request);
    }
}
