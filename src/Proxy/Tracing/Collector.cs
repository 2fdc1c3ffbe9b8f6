using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Lateen.Proxy.Compile;
using Lateen.Rpc;
using Lateen.Rpc.Client;

namespace Lateen.Proxy.Tracing;

/// <summary>
/// The way to a collector of spans or logs: a cluster of this proxy, reached from the thread pool over connections of its own.
/// Any thread.
/// </summary>
internal sealed class Collector(ProxyContext context, string cluster) : IDisposable
{
    private static readonly HttpMessageInvoker Http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1) });
    private readonly Lock _gate = new();
    private RpcChannel? _channel;
    private string? _target;

    public string Cluster => cluster;

    /// <exception cref="ConfigRefusedException">The service is not reached through a cluster.</exception>
    public static Collector Of(GrpcService? service, ProxyContext context, string path) =>
        service?.EnvoyGrpc is { ClusterName: { Length: > 0 } name } ? new Collector(context, name) : throw new ConfigRefusedException(path, "names no cluster (envoy_grpc)");

    /// <summary>One gRPC call.</summary>
    public async Task CallAsync<TRequest, TResponse>(RpcMethod<TRequest, TResponse> method, TRequest request, RpcMetadata? headers, CancellationToken cancel)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() =>
        await Channel().UnaryAsync(method, request, new RpcCallOptions(Headers: headers), cancel).ConfigureAwait(false);

    /// <summary>One HTTP/1.1 request; any status but 2xx is a failure.</summary>
    public async Task PostAsync(string path, string host, string contentType, IEnumerable<(string Name, string Value)> headers, byte[] body, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{Host()}{path}")) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        request.Headers.Host = host;
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await Http.SendAsync(request, cancel).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode) throw new HttpRequestException($"the collector answered {(int)response.StatusCode}", null, response.StatusCode);
    }

    public RpcChannel Channel()
    {
        var target = $"http://{Host()}";
        lock (_gate)
        {
            if (_target == target) return _channel!;
            _channel?.Dispose();
            (_channel, _target) = (RpcChannel.Create(target), target);
            return _channel;
        }
    }

    public void Dispose()
    {
        lock (_gate) _channel?.Dispose();
    }

    /// <summary>The first usable host, so that the connection stays with it for as long as it is there.</summary>
    private string Host()
    {
        var hosts = context.Clusters.Current.Find(cluster)?.Hosts.All ?? throw new SocketException((int)SocketError.HostNotFound);
        var host = Array.Find(hosts, candidate => candidate.IsUsable) ?? throw new SocketException((int)SocketError.HostUnreachable);
        return host.Address.Path is null ? host.Text : throw new SocketException((int)SocketError.AddressFamilyNotSupported);
    }
}
