using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Node.Pods;
using Lateen.EmbeddedCluster.Processes;

namespace Lateen.EmbeddedCluster.Node.Probes;

/// <summary>A container that can be asked something. Immutable.</summary>
/// <param name="Definition">Its specification.</param>
/// <param name="Plan">How it was started.</param>
/// <param name="Process">Its first process.</param>
/// <param name="PodAddress">The pod's address.</param>
internal sealed record ActionTarget(ContainerDefinition Definition, ContainerPlan Plan, ProcessIdentity Process, string PodAddress);

/// <summary>Does what probes and life cycle hooks ask for: exec, httpGet, tcpSocket, grpc, sleep. Any thread.</summary>
/// <remarks>Asked from the node's network, to which this process belongs, as kubelet does.</remarks>
internal sealed class ContainerActions : IDisposable
{
    private const int MaxMessageBytes = 1024;

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        // Every question on a connection of its own: a pooled one would answer for a server that listens no more.
        PooledConnectionLifetime = TimeSpan.Zero,
        SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Does the action; nothing that the container does throws.</summary>
    public async Task<ProbeOutcome> RunAsync(JsonObject action, ActionTarget target, TimeSpan timeout, CancellationToken cancel)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limited.CancelAfter(timeout);
        try
        {
            if (action["exec"] is JsonObject exec) return await ExecAsync(exec, target, limited.Token);
            if (action["httpGet"] is JsonObject http) return await HttpAsync(http, target, limited.Token);
            if (action["tcpSocket"] is JsonObject tcp) return await TcpAsync(tcp, target, limited.Token);
            if (action["grpc"] is JsonObject grpc) return await GrpcAsync(grpc, target, limited.Token);
            if (action["sleep"] is JsonObject sleep) await Task.Delay(TimeSpan.FromSeconds(sleep.NumberOf("seconds") ?? 0), limited.Token);
            return new ProbeOutcome(true, "");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new ProbeOutcome(false, $"no answer within {timeout.TotalSeconds:0} s");
        }
        catch (Exception failure) when (failure is HttpRequestException or SocketException or IOException or UriFormatException)
        {
            return new ProbeOutcome(false, failure.GetBaseException().Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static async Task<ProbeOutcome> ExecAsync(JsonObject exec, ActionTarget target, CancellationToken cancel)
    {
        using var process = await ContainerExec.StartAsync(target.Plan, target.Process, exec.TextsOf("command"));
        try
        {
            process.StandardInput.Close();
            var output = ReadStartAsync(process.StandardOutput.BaseStream, cancel);
            var error = ReadStartAsync(process.StandardError.BaseStream, cancel);
            await process.WaitForExitAsync(cancel);
            return process.ExitCode == 0 ? new ProbeOutcome(true, "") : new ProbeOutcome(false, $"exit code {process.ExitCode}: {(await output + await error).Trim()}");
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    private static async Task<string> ReadStartAsync(Stream stream, CancellationToken cancel)
    {
        var start = new byte[MaxMessageBytes];
        var count = await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancel);
        // The rest is read too, or the program would wait for someone to take it.
        var rest = new byte[4096];
        while (await stream.ReadAsync(rest, cancel) > 0) { }
        return Encoding.UTF8.GetString(start, 0, count);
    }

    private async Task<ProbeOutcome> HttpAsync(JsonObject http, ActionTarget target, CancellationToken cancel)
    {
        if (target.Definition.PortOf(http["port"]) is not { } port) return new ProbeOutcome(false, $"no port is named {http.TextOf("port")}");
        var host = http.TextOf("host") is { Length: > 0 } given ? given : target.PodAddress;
        var scheme = http.TextOf("scheme").ToLowerInvariant() is { Length: > 0 } named ? named : "http";
        var path = http.TextOf("path");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{scheme}://{host}:{port}{(path.StartsWith('/') ? "" : "/")}{path}");
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.35");
        request.Headers.Accept.ParseAdd("*/*");
        request.Headers.ConnectionClose = true;
        foreach (var header in http.ItemsOf("httpHeaders"))
        {
            request.Headers.Remove(header.TextOf("name"));
            request.Headers.TryAddWithoutValidation(header.TextOf("name"), header.TextOf("value"));
        }
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        var code = (int)response.StatusCode;
        return code is >= 200 and < 400 ? new ProbeOutcome(true, "") : new ProbeOutcome(false, $"HTTP probe failed with statuscode: {code}");
    }

    private static async Task<ProbeOutcome> TcpAsync(JsonObject tcp, ActionTarget target, CancellationToken cancel)
    {
        if (target.Definition.PortOf(tcp["port"]) is not { } port) return new ProbeOutcome(false, $"no port is named {tcp.TextOf("port")}");
        using var client = new TcpClient();
        await client.ConnectAsync(tcp.TextOf("host") is { Length: > 0 } host ? host : target.PodAddress, port, cancel);
        return new ProbeOutcome(true, "");
    }

    // grpc.health.v1.Health/Check over HTTP/2 without TLS; the two messages are too small for generated code.
    private async Task<ProbeOutcome> GrpcAsync(JsonObject grpc, ActionTarget target, CancellationToken cancel)
    {
        var service = Encoding.UTF8.GetBytes(grpc.TextOf("service"));
        if (service.Length > 127) return new ProbeOutcome(false, "the service's name is too long");
        byte[] message = service.Length == 0 ? [] : [0x0A, (byte)service.Length, .. service];
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{target.PodAddress}:{grpc.NumberOf("port")}/grpc.health.v1.Health/Check")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent([0, 0, 0, 0, (byte)message.Length, .. message]),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.ParseAdd("trailers");
        using var response = await _http.SendAsync(request, cancel);
        var body = await response.Content.ReadAsByteArrayAsync(cancel);
        var status = response.TrailingHeaders.TryGetValues("grpc-status", out var values) || response.Headers.TryGetValues("grpc-status", out values) ? values.First() : "";
        if (status != "0") return new ProbeOutcome(false, $"the health service answered with status {status}");
        // HealthCheckResponse: field 1 is the status, 1 is SERVING.
        return body.Length >= 7 && body[5] == 0x08 && body[6] == 1 ? new ProbeOutcome(true, "") : new ProbeOutcome(false, "service unhealthy (responded with \"NOT_SERVING\")");
    }
}
