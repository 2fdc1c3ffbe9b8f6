using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Route.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Api.Services;
using Lateen.Rpc;
using Lateen.Rpc.Client;

namespace Lateen.Pilot.Tests.Harness;

/// <summary>A proxy that speaks delta xDS and does nothing else: the test says what it asks for and what it answers.</summary>
internal sealed class DeltaClient : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly RpcChannel _channel;
    private readonly RpcDuplexCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> _call;
    private readonly IAsyncEnumerator<DeltaDiscoveryResponse> _responses;
    private Node? _node;

    public DeltaClient(RunningPilot pilot, string id = "sidecar~10.78.1.16~productpage-v1-0.default~default.svc.cluster.local", string interception = "REDIRECT")
    {
        _channel = RpcChannel.Create(pilot.XdsTarget);
        _call = _channel.OpenDuplex(AggregatedDiscovery.Delta, cancel: TestContext.Current.CancellationToken);
        _responses = _call.ReadAllAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        _node = new Node { Id = id, UserAgentName = "envoy", Metadata = new() { Fields = { ["INTERCEPTION_MODE"] = Value.ForString(interception) } } };
    }

    public Task SubscribeAsync(string type, params string[] names) => SubscribeAsync(type, names, new Dictionary<string, string>());

    public Task SubscribeAsync(string type, string[] names, IReadOnlyDictionary<string, string> has)
    {
        var request = new DeltaDiscoveryRequest { TypeUrl = type, ResourceNamesSubscribe = { names } };
        foreach (var (name, version) in has) request.InitialResourceVersions[name] = version;
        return SendAsync(request);
    }

    public Task UnsubscribeAsync(string type, params string[] names) => SendAsync(new() { TypeUrl = type, ResourceNamesUnsubscribe = { names } });

    public Task AcceptAsync(DeltaDiscoveryResponse response) => SendAsync(new() { TypeUrl = response.TypeUrl, ResponseNonce = response.Nonce });

    public Task RefuseAsync(DeltaDiscoveryResponse response, string why) =>
        SendAsync(new() { TypeUrl = response.TypeUrl, ResponseNonce = response.Nonce, ErrorDetail = new() { Code = 13, Message = why } });

    /// <summary>The next response, whatever it is of.</summary>
    public async Task<DeltaDiscoveryResponse> NextAsync()
    {
        Assert.True(await _responses.MoveNextAsync().AsTask().WaitAsync(Limit));
        return _responses.Current;
    }

    /// <summary>The next response, which must be of a type; it is accepted.</summary>
    public async Task<DeltaDiscoveryResponse> TakeAsync(string type)
    {
        var response = await NextAsync();
        Assert.Equal(type, response.TypeUrl);
        await AcceptAsync(response);
        return response;
    }

    /// <summary>Accepts every further response until the client is disposed; no other method may read beside it.</summary>
    public async Task AcceptWhatComesAsync()
    {
        try
        {
            while (await _responses.MoveNextAsync()) await AcceptAsync(_responses.Current);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            // The client is gone.
        }
    }

    /// <summary>Asks for everything in Envoy's order; the resources of these names as one text, in an order of its own.</summary>
    public async Task<string> DescribeAsync(Func<string, bool> wanted)
    {
        List<(string Name, string Text)> all = [];
        await SubscribeAsync(TypeUrls.Cluster, "*");
        var clusters = await TakeAllAsync(TypeUrls.Cluster, Cluster.Parser, all);
        await SubscribeAsync(TypeUrls.Endpoint, [.. clusters.Where(c => c.EdsClusterConfig != null).Select(c => c.EdsClusterConfig.ServiceName)]);
        await TakeAllAsync(TypeUrls.Endpoint, ClusterLoadAssignment.Parser, all);
        await SubscribeAsync(TypeUrls.Route, "9080");
        await TakeAllAsync(TypeUrls.Route, RouteConfiguration.Parser, all);
        return string.Join("\n", all.Where(r => wanted(r.Name)).Select(r => $"{r.Name}: {r.Text}").Order(StringComparer.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        await _call.DisposeAsync();
        _channel.Dispose();
    }

    private async Task<List<T>> TakeAllAsync<T>(string type, MessageParser<T> parser, List<(string Name, string Text)> all) where T : IMessage<T>
    {
        var response = await TakeAsync(type);
        List<T> taken = [.. response.Resources.Select(r => parser.ParseFrom(r.Resource_.Value))];
        foreach (var (resource, message) in response.Resources.Zip(taken))
        {
            // Which endpoint comes first means nothing.
            if (message is ClusterLoadAssignment assignment)
                foreach (var place in assignment.Endpoints)
                {
                    var sorted = place.LbEndpoints.OrderBy(e => e.Endpoint.Address.ToString(), StringComparer.Ordinal).ToList();
                    place.LbEndpoints.Clear();
                    place.LbEndpoints.AddRange(sorted);
                }
            all.Add((resource.Name, EnvoyJson.Of(message).ToJsonString()));
        }
        return taken;
    }

    /// <summary>Only the first request of a stream says who asks.</summary>
    private Task SendAsync(DeltaDiscoveryRequest request)
    {
        (request.Node, _node) = (_node, null);
        return _call.WriteAsync(request);
    }
}
