using System.Text;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Upstream;
using Lateen.Proxy.Upstream.Grpc;
using Lateen.Proxy.Workers;
using Lateen.Rpc;
using HeaderMap = Lateen.Proxy.Http.Headers.HeaderMap;

namespace Lateen.Proxy.Tracing;

/// <summary>
/// The way of spans and logs to a collector: a cluster of this proxy, called over a worker's own pools as the cluster's settings say. Used
/// by the thread pool, any thread.
/// </summary>
internal sealed class Collector
{
    private const long LongestCallMs = 5000;
    private readonly ProxyContext _context;

    /// <summary>A collector that is reached by HTTP.</summary>
    public Collector(ProxyContext context, string cluster) => (_context, Target) = (context, new GrpcTarget(cluster));

    private Collector(ProxyContext context, GrpcTarget target) => (_context, Target) = (context, target);

    public GrpcTarget Target { get; }

    /// <exception cref="ConfigRefusedException">The service is not reached through a cluster.</exception>
    public static Collector Of(GrpcService? service, ProxyContext context, string path) => new(context, GrpcTarget.Compile(service, path));

    /// <summary>One gRPC call.</summary>
    /// <exception cref="RpcException">It did not end with success.</exception>
    public async Task CallAsync<TRequest, TResponse>(RpcMethod<TRequest, TResponse> method, TRequest request, CancellationToken cancel)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new()
    {
        var worker = Worker();
        var reply = await PoolWork.RunOnAsync(worker, () => GrpcCall.UnaryAsync(_context, worker, Target, method, request, Target.TimeoutMs ?? LongestCallMs), cancel).ConfigureAwait(false);
        if (reply.Status != 0) throw new RpcException((RpcStatusCode)reply.Status, reply.Message);
    }

    /// <summary>Begins a call of many messages.</summary>
    /// <exception cref="RpcException">There is no connection for it.</exception>
    public async Task<GrpcStream> OpenAsync(string path, CancellationToken cancel)
    {
        var worker = Worker();
        var (stream, status) = await PoolWork.RunOnAsync(worker, () => GrpcStream.OpenAsync(_context, worker, Target, path, 0), cancel).ConfigureAwait(false);
        return stream ?? throw new RpcException((RpcStatusCode)status, "there is no connection");
    }

    /// <summary>One HTTP request; any status but 2xx is a failure.</summary>
    /// <exception cref="HttpRequestException">There was no answer, or another one.</exception>
    public async Task PostAsync(string path, string host, string contentType, IEnumerable<(string Name, string Value)> headers, byte[] body, CancellationToken cancel)
    {
        var request = new HeaderMap();
        request.Add(KnownHeader.Method, "POST"u8);
        request.Add(KnownHeader.Scheme, "http"u8);
        request.Add(KnownHeader.Path, Encoding.ASCII.GetBytes(path));
        request.Add(KnownHeader.Authority, Encoding.ASCII.GetBytes(host));
        request.Add(KnownHeader.ContentType, Encoding.ASCII.GetBytes(contentType));
        foreach (var (name, value) in headers) request.Add(Encoding.ASCII.GetBytes(name.ToLowerInvariant()), Encoding.UTF8.GetBytes(value));
        var worker = Worker();
        var reply = await PoolWork.RunOnAsync(worker, () => ClusterCall.SendAsync(_context, worker, Target.Cluster, request, body, LongestCallMs), cancel).ConfigureAwait(false);
        if (reply.Status != CallStatus.Ok) throw new HttpRequestException($"the collector could not be called: {reply.Status}");
        if (reply.Code is < 200 or > 299) throw new HttpRequestException($"the collector answered {reply.Code}");
    }

    /// <summary>The same worker for the same cluster, so that its connections are few.</summary>
    private Worker Worker() => _context.Workers is { Count: > 0 } workers ? workers[(int)((uint)Target.Cluster.GetHashCode(StringComparison.Ordinal) % workers.Count)] : throw new InvalidOperationException("the proxy does not run");
}
