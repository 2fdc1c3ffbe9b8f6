using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Lateen.Proxy.Upstream.Clusters;
using SocketAddress = Lateen.Proxy.Network.SocketAddress;

namespace Lateen.Proxy.Upstream.HealthChecks;

/// <summary>
/// Asks one host for its health and keeps the connection for the next time. Runs on the thread pool; one question at a time.
/// </summary>
internal sealed class HealthProbe : IDisposable
{
    private readonly HealthCheckSettings _settings;
    private readonly SocketAddress _target;
    private readonly string _authority;
    private readonly SocketAddress _source;
    private readonly HttpMessageInvoker? _http;

    public HealthProbe(HealthCheckSettings settings, ClusterSnapshot cluster, HostState host)
    {
        _settings = settings;
        _source = cluster.Source;
        _target = TargetOf(settings, host);
        _authority = settings.Host.Length > 0 ? settings.Host : host.Check?.Hostname is { Length: > 0 } own ? own : cluster.Name;
        if (settings.Kind == CheckKind.Tcp) return;
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            PooledConnectionLifetime = settings.ReuseConnection ? Timeout.InfiniteTimeSpan : TimeSpan.Zero,
            ConnectCallback = async (_, cancel) => new NetworkStream(await ConnectAsync(cancel).ConfigureAwait(false), ownsSocket: true),
        });
    }

    public async Task<CheckResult> AskAsync(CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(TimeSpan.FromMilliseconds(_settings.Times.TimeoutMs));
        try
        {
            return _settings.Kind switch
            {
                CheckKind.Tcp => await AskTcpAsync(limit.Token).ConfigureAwait(false),
                CheckKind.Grpc => await AskGrpcAsync(limit.Token).ConfigureAwait(false),
                _ => await AskHttpAsync(limit.Token).ConfigureAwait(false),
            };
        }
        catch (OperationCanceledException)
        {
            return CheckResult.Timeout;
        }
        catch (Exception e) when (e is SocketException or HttpRequestException or IOException or FormatException or InvalidOperationException)
        {
            return CheckResult.NetworkFailure;
        }
    }

    public void Dispose() => _http?.Dispose();

    private async Task<CheckResult> AskHttpAsync(CancellationToken cancel)
    {
        using var request = Request(_settings.Method, _settings.Path);
        using var response = await _http!.SendAsync(request, cancel).ConfigureAwait(false);
        var status = (int)response.StatusCode;
        if (!IsIn(_settings.Expected, status)) return IsIn(_settings.Retriable, status) ? CheckResult.RetriableFailure : CheckResult.Failure;
        if (_settings.ServiceMatch is { } service
            && !(response.Headers.TryGetValues("x-envoy-upstream-healthchecked-cluster", out var names) && service.IsMatch(Encoding.UTF8.GetBytes(string.Join(',', names)))))
            return CheckResult.Failure;
        if (_settings.Receive.Count > 0 && !await HasAsync(await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false), _settings.ResponseBytes, cancel).ConfigureAwait(false))
            return CheckResult.Failure;
        if (_settings.Receive.Count == 0) await response.Content.CopyToAsync(Stream.Null, cancel).ConfigureAwait(false);
        return response.Headers.Contains("x-envoy-degraded") ? CheckResult.PassedDegraded : CheckResult.Passed;
    }

    private async Task<CheckResult> AskGrpcAsync(CancellationToken cancel)
    {
        using var request = Request("POST", "/grpc.health.v1.Health/Check");
        var name = Encoding.UTF8.GetBytes(_settings.ServiceName);
        // HealthCheckRequest: field 1 is the service's name.
        byte[] message = name.Length == 0 ? [] : [0x0a, .. Varint(name.Length), .. name];
        request.Content = new ByteArrayContent([0, 0, 0, (byte)(message.Length >> 8), (byte)message.Length, .. message]);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TryAddWithoutValidation("te", "trailers");
        using var response = await _http!.SendAsync(request, cancel).ConfigureAwait(false);
        var body = await response.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK) return CheckResult.Failure;
        var code = response.TrailingHeaders.TryGetValues("grpc-status", out var inTrailers) ? inTrailers.First() : response.Headers.TryGetValues("grpc-status", out var inHead) ? inHead.First() : "";
        // HealthCheckResponse: field 1 is the state, 1 for SERVING.
        return code == "0" && body.AsSpan() is [0, 0, 0, 0, 2, 0x08, 1] ? CheckResult.Passed : CheckResult.Failure;
    }

    private async Task<CheckResult> AskTcpAsync(CancellationToken cancel)
    {
        using var socket = await ConnectAsync(cancel).ConfigureAwait(false);
        if (_settings.Send.Length > 0) await socket.SendAsync(_settings.Send, cancel).ConfigureAwait(false);
        if (_settings.Receive.Count == 0) return CheckResult.Passed;
        await using var stream = new NetworkStream(socket);
        return await HasAsync(stream, 1 << 20, cancel).ConfigureAwait(false) ? CheckResult.Passed : CheckResult.NetworkFailure;
    }

    /// <summary>Reads until all pieces have come, one behind the other, or nothing more comes.</summary>
    private async Task<bool> HasAsync(Stream stream, long most, CancellationToken cancel)
    {
        var (seen, buffer) = (new List<byte>(), new byte[4096]);
        while (true)
        {
            var read = await stream.ReadAsync(buffer, cancel).ConfigureAwait(false);
            seen.AddRange(buffer.AsSpan(0, read));
            if (HasAll(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(seen))) return true;
            if (read == 0 || most > 0 && seen.Count >= most) return false;
        }
    }

    private bool HasAll(ReadOnlySpan<byte> seen)
    {
        foreach (var piece in _settings.Receive)
        {
            var at = seen.IndexOf(piece);
            if (at < 0) return false;
            seen = seen[(at + piece.Length)..];
        }
        return true;
    }

    private HttpRequestMessage Request(string method, string path)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), new UriBuilder("http", "check.invalid").Uri)
        {
            RequestUri = new Uri("http://check.invalid" + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }),
            Version = _settings.Kind == CheckKind.Grpc || _settings.UseHttp2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Host = _authority;
        request.Headers.TryAddWithoutValidation("user-agent", "Envoy/HC");
        foreach (var (name, value) in _settings.AddHeaders) request.Headers.TryAddWithoutValidation(name, value);
        foreach (var name in _settings.RemoveHeaders) request.Headers.Remove(name);
        if (!_settings.ReuseConnection && request.Version == HttpVersion.Version11) request.Headers.ConnectionClose = true;
        return request;
    }

    private async Task<Socket> ConnectAsync(CancellationToken cancel)
    {
        var socket = _target.Path is null
            ? new Socket(_target.IsV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            if (!_source.IsNone && _source.Path is null && _source.IsV6 == _target.IsV6) socket.Bind(new IPEndPoint(_source.ToIpAddress(), _source.Port));
            await socket.ConnectAsync(_target.Path is { } path ? new UnixDomainSocketEndPoint(path) : new IPEndPoint(_target.ToIpAddress(), _target.Port), cancel).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static SocketAddress TargetOf(HealthCheckSettings settings, HostState host)
    {
        var address = host.Check is { Address.IsNone: false } own ? own.Address : host.Address;
        var port = host.Check?.Port is > 0 and var ownPort ? ownPort : settings.AltPort;
        return port > 0 && address.Path is null ? address.WithPort(port) : address;
    }

    private static bool IsIn(IReadOnlyList<(long Start, long End)> ranges, int status)
    {
        foreach (var (start, end) in ranges)
            if (status >= start && status < end)
                return true;
        return false;
    }

    private static byte[] Varint(int value) => value < 128 ? [(byte)value] : [(byte)(value & 127 | 128), (byte)(value >> 7)];
}
