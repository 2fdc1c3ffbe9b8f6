using System.Threading.Channels;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Foundation.Logging;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Xds;
using Lateen.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lateen.Proxy.Tests.Xds;

public sealed class AdsClientTests
{
    [Fact]
    public async Task TheNodeIsSentOnceAndListenersAreAskedForAfterClusters()
    {
        await using var plane = new FakePlane();
        var stream = await plane.StreamAsync();
        Assert.Equal("subscribe Cluster", await stream.NextAsync());
        stream.Send(TypeUrls.Cluster, [("a", EdsCluster("a"))]);
        Assert.Equal("ack Cluster 1", await stream.NextAsync());
        Assert.Equal("subscribe ClusterLoadAssignment +a", await stream.NextAsync());
        Assert.Equal("subscribe Listener", await stream.NextAsync());
        Assert.Equal(1, stream.Nodes);
    }

    [Fact]
    public async Task ABadResourceIsRefusedByNameAndTheGoodOneBesideItServes()
    {
        await using var plane = new FakePlane();
        var stream = await plane.StreamAsync();
        await stream.NextAsync();
        var bad = EdsCluster("bad");
        bad.Type = (Cluster.Types.DiscoveryType)77;
        stream.Send(TypeUrls.Cluster, [("bad", bad), ("good", EdsCluster("good"))]);
        Assert.StartsWith("nack Cluster 1 bad: type:", await stream.NextAsync());
        Assert.Equal(["good"], plane.State.Dump().Clusters.Select(cluster => cluster.Name));
    }

    [Fact]
    public async Task EndpointsThatWereRefusedAreRefusedAgain()
    {
        await using var plane = new FakePlane();
        var stream = await plane.StreamAsync();
        await stream.NextAsync();
        var cluster = new Cluster { Name = "s", Type = Cluster.Types.DiscoveryType.Static, LoadAssignment = Assignment("s", "no address") };
        stream.Send(TypeUrls.Cluster, [("s", cluster)]);
        Assert.StartsWith("nack Cluster 1 s: load_assignment", await stream.NextAsync());
        await stream.NextAsync();
        stream.Send(TypeUrls.Cluster, [("s", cluster)]);
        Assert.StartsWith("nack Cluster 2 s: load_assignment", await stream.NextAsync());
    }

    [Fact]
    public async Task AClusterWaitsForItsEndpointsAndARemovedOneGoes()
    {
        await using var plane = new FakePlane();
        var stream = await plane.StreamAsync();
        await stream.NextAsync();
        stream.Send(TypeUrls.Cluster, [("a", EdsCluster("a")), ("b", EdsCluster("b"))]);
        await stream.NextAsync();
        Assert.Equal("subscribe ClusterLoadAssignment +a +b", await stream.NextAsync());
        Assert.Null(plane.Context.Clusters.Current.Find("a"));
        stream.Send(TypeUrls.Endpoint, [("a", Assignment("a", "127.0.0.1"))], removed: ["b"]);
        Assert.Equal("subscribe Listener", await stream.NextAsync());
        Assert.Equal("ack ClusterLoadAssignment 2", await stream.NextAsync());
        Assert.Equal("127.0.0.1:80", Assert.Single(plane.Context.Clusters.Current.Find("a")!.Hosts.All).Text);
        Assert.Empty(plane.Context.Clusters.Current.Find("b")!.Hosts.All);
        stream.Send(TypeUrls.Cluster, [], removed: ["a"]);
        Assert.Equal("ack Cluster 3", await stream.NextAsync());
        Assert.Equal("subscribe ClusterLoadAssignment -a", await stream.NextAsync());
        Assert.Null(plane.Context.Clusters.Current.Find("a"));
    }

    [Fact]
    public async Task AfterAReconnectTheVersionsInUseAreToldAndResourcesStay()
    {
        await using var plane = new FakePlane();
        var stream = await plane.StreamAsync();
        await stream.NextAsync();
        stream.Send(TypeUrls.Cluster, [("a", EdsCluster("a"))]);
        await stream.NextAsync();
        await stream.NextAsync();
        stream.Send(TypeUrls.Endpoint, [("a", Assignment("a", "127.0.0.1"))]);
        await stream.NextAsync();
        await stream.NextAsync();
        stream.End();
        var second = await plane.StreamAsync();
        Assert.NotNull(plane.Context.Clusters.Current.Find("a"));
        Assert.Equal("subscribe Cluster [a=v]", await second.NextAsync());
        Assert.Equal("subscribe ClusterLoadAssignment +a [a=v]", await second.NextAsync());
        Assert.Equal(1, second.Nodes);
    }

    private static Cluster EdsCluster(string name) => new()
    {
        Name = name,
        Type = Cluster.Types.DiscoveryType.Eds,
        EdsClusterConfig = new Cluster.Types.EdsClusterConfig { EdsConfig = new ConfigSource { Ads = new AggregatedConfigSource() } },
    };

    private static ClusterLoadAssignment Assignment(string name, string address)
    {
        var endpoint = new LbEndpoint { Endpoint = new Endpoint { Address = new Address { SocketAddress = new SocketAddress { Address = address, PortValue = 80 } } } };
        return new ClusterLoadAssignment { ClusterName = name, Endpoints = { new LocalityLbEndpoints { LbEndpoints = { endpoint } } } };
    }

    /// <summary>A control plane in this process: hands out streams and says what was written to them.</summary>
    private sealed class FakePlane : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Channel<FakeStream> _streams = Channel.CreateUnbounded<FakeStream>();
        private readonly Task _running;

        public FakePlane()
        {
            Context = new ProxyContext(new StatsStore(1), new LogOptions { Targets = ["stderr"] }.CreateFactory());
            State = new ResourceState(Context, _ => { });
            var settings = new AdsSettings { Open = Open, FirstPause = TimeSpan.FromMilliseconds(1), LongestPause = TimeSpan.FromMilliseconds(10) };
            var client = new AdsClient(settings, new Node { Id = "n" }, State, Context.Stats, _ => true, NullLogger.Instance);
            _running = Task.Run(() => client.RunAsync(_stop.Token));
        }

        public ProxyContext Context { get; }

        public ResourceState State { get; }

        public async Task<FakeStream> StreamAsync() => await _streams.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _stop.Dispose();
        }

        private FakeStream Open(CancellationToken cancel)
        {
            var stream = new FakeStream();
            _streams.Writer.TryWrite(stream);
            return stream;
        }
    }

    private sealed class FakeStream : IAdsStream
    {
        private readonly Channel<string> _written = Channel.CreateUnbounded<string>();
        private readonly Channel<AdsAnswer> _answers = Channel.CreateUnbounded<AdsAnswer>();
        private int _nonce;

        public Node? Node { get; set; }

        public int Nodes { get; private set; }

        public async Task<string> NextAsync() => await _written.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

        public void Send(string typeUrl, (string Name, IMessage Body)[] resources, string[]? removed = null) => _answers.Writer.TryWrite(new AdsAnswer(
            typeUrl, "", (++_nonce).ToString(System.Globalization.CultureInfo.InvariantCulture),
            new ResourceUpdate([.. resources.Select(resource => new ReceivedResource(resource.Name, "v", Any.Pack(resource.Body)))], removed ?? [], false)));

        public void End() => _answers.Writer.TryComplete();

        public IAsyncEnumerable<AdsAnswer> ReadAllAsync(CancellationToken cancel) => _answers.Reader.ReadAllAsync(cancel);

        public Task SubscribeAsync(Subscription subscription, IReadOnlyList<string> names)
        {
            var changes = names.Except(subscription.Names).Select(name => $" +{name}").Concat(subscription.Names.Except(names).Select(name => $" -{name}"));
            var known = subscription.IsAsked || subscription.Versions.Count == 0 ? "" : $" [{string.Join(',', subscription.Versions.Select(version => $"{version.Key}={version.Value}"))}]";
            return Say($"subscribe {Short(subscription)}{string.Concat(changes)}{known}");
        }

        public Task AcknowledgeAsync(Subscription subscription, string? problem) =>
            Say(problem is null ? $"ack {Short(subscription)} {subscription.Nonce}" : $"nack {Short(subscription)} {subscription.Nonce} {problem}");

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private static string Short(Subscription subscription) => subscription.Kind.TypeUrl[(subscription.Kind.TypeUrl.LastIndexOf('.') + 1)..];

        private Task Say(string text)
        {
            if (Node is not null) Nodes++;
            Node = null;
            _written.Writer.TryWrite(text);
            return Task.CompletedTask;
        }
    }
}
