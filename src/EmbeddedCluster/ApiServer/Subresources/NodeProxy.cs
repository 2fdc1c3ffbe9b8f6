using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Lateen.EmbeddedCluster.ApiServer.Subresources;

/// <summary>
/// Carries log, exec, attach and port-forward of pods to the node that runs them, which serves them as a kubelet does: plain HTTP on
/// the address and port in the node's status. An upgraded connection is a tunnel of bytes. Any thread.
/// </summary>
internal sealed class NodeProxy(ObjectStore store, CancellationToken stopping)
{
    private const int MaxHead = 32 * 1024;

    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(5);

    private static readonly string[] NotForwarded = ["Host", "Authorization", "Content-Length", "Transfer-Encoding", "Accept-Encoding"];

    /// <summary>Answers a request for one of these subresources; null for any other.</summary>
    public Task? Serve(HttpContext http, RequestTarget target)
    {
        var path = target.Subresource switch { "log" => "containerLogs", "exec" => "exec", "attach" => "attach", "portforward" => "portForward", _ => null };
        return path is null ? null : ServeAsync(http, target, path);
    }

    private async Task ServeAsync(HttpContext http, RequestTarget target, string path)
    {
        var pod = store.Get(new ObjectKey("pods", target.Namespace, target.Name)) ?? throw ApiException.NotFound("", "pods", target.Name);
        var container = path == "portForward" ? null : Container(pod, http.Request.Query["container"].ToString());
        var (host, port) = Node(pod);
        var upgrade = http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } feature ? feature : null;
        if (path != "containerLogs" && upgrade is null) throw ApiException.BadRequest("Upgrade request required");
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        using var socket = new TcpClient { NoDelay = true };
        await ConnectAsync(socket, host, port, ending.Token).ConfigureAwait(false);
        await using var node = socket.GetStream();
        var full = $"/{path}/{Uri.EscapeDataString(target.Namespace)}/{Uri.EscapeDataString(target.Name)}" + (container is null ? "" : "/" + Uri.EscapeDataString(container));
        try
        {
            await SendHeadAsync(http, node, full, $"{host}:{port}", upgrade is not null, ending.Token).ConfigureAwait(false);
            var (head, rest) = await ReadHeadAsync(node, ending.Token).ConfigureAwait(false);
            if (upgrade is not null && head.Code == 101) await TunnelAsync(http, upgrade, head, node, rest, ending.Token).ConfigureAwait(false);
            else await CopyAnswerAsync(http, head, node, rest, ending.Token).ConfigureAwait(false);
        }
        catch (Exception broken) when (broken is IOException or SocketException or OperationCanceledException && http.Response.HasStarted)
        {
            // One side went away: so does the other.
        }
        catch (IOException broken)
        {
            throw ApiException.InternalError($"error dialing backend: {broken.Message}");
        }
    }

    private static string Container(StoredObject pod, string asked)
    {
        var root = pod.Root;
        var names = ((string[])["containers", "initContainers", "ephemeralContainers"]).SelectMany(list => root.Items("spec", list)).Select(item => item.Text("name") ?? "").ToArray();
        if (asked.Length > 0)
            return names.Contains(asked) ? asked : throw ApiException.BadRequest($"container {asked} is not valid for pod {pod.Key.Name}");
        var own = root.Items("spec", "containers").Select(item => item.Text("name") ?? "").ToArray();
        if (own.Length == 1) return own[0];
        throw ApiException.BadRequest($"a container name must be specified for pod {pod.Key.Name}, choose one of: [{string.Join(' ', own)}]");
    }

    private (string Host, int Port) Node(StoredObject pod)
    {
        var name = pod.Root.Text("spec", "nodeName");
        if (string.IsNullOrEmpty(name)) throw ApiException.BadRequest($"pod {pod.Key.Name} does not have a host assigned");
        var node = store.Get(new ObjectKey("nodes", "", name)) ?? throw ApiException.NotFound("", "nodes", name);
        var address = node.Root.Items("status", "addresses").FirstOrDefault(entry => entry.Text("type") == "InternalIP").Text("address");
        var port = node.Root.Whole("status", "daemonEndpoints", "kubeletEndpoint", "Port");
        if (address is null || port is null) throw ApiException.InternalError($"node {name} does not say where it serves");
        return (address, (int)port.Value);
    }

    private static async Task ConnectAsync(TcpClient socket, string host, int port, CancellationToken cancel)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(ConnectTime);
            await socket.ConnectAsync(host, port, limit.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is SocketException || (failure is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw ApiException.InternalError($"error dialing backend: dial tcp {host}:{port}: {failure.Message}");
        }
    }

    private static async Task SendHeadAsync(HttpContext http, NetworkStream node, string path, string host, bool upgrade, CancellationToken cancel)
    {
        var head = new StringBuilder();
        head.Append(upgrade ? http.Request.Method : "GET").Append(' ').Append(path).Append(http.Request.QueryString.Value).Append(" HTTP/1.1\r\nHost: ").Append(host).Append("\r\n");
        foreach (var (name, values) in http.Request.Headers)
        {
            if (name.StartsWith(':') || NotForwarded.Contains(name, StringComparer.OrdinalIgnoreCase)) continue;
            if (!upgrade && name is "Connection" or "Upgrade") continue;
            foreach (var value in values) head.Append(name).Append(": ").Append(value).Append("\r\n");
        }
        if (!upgrade) head.Append("Connection: close\r\n");
        else if (!http.Request.Headers.ContainsKey("Connection")) head.Append("Connection: Upgrade\r\n");
        head.Append("\r\n");
        await node.WriteAsync(Encoding.Latin1.GetBytes(head.ToString()), cancel).ConfigureAwait(false);
    }

    private sealed record Head(int Code, List<(string Name, string Value)> Fields)
    {
        public string? Field(string name) => Fields.FirstOrDefault(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
    }

    private static async Task<(Head Head, byte[] Begun)> ReadHeadAsync(NetworkStream node, CancellationToken cancel)
    {
        var buffer = new byte[MaxHead];
        var length = 0;
        while (true)
        {
            var read = await node.ReadAsync(buffer.AsMemory(length), cancel).ConfigureAwait(false);
            if (read == 0) throw new IOException("the node closed the connection");
            length += read;
            var end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (end >= 0) return (ParseHead(Encoding.Latin1.GetString(buffer, 0, end)), buffer[(end + 4)..length]);
            if (length == buffer.Length) throw new IOException("the node's answer has too long a head");
        }
    }

    private static Head ParseHead(string text)
    {
        var lines = text.Split("\r\n");
        var words = lines[0].Split(' ');
        var code = words.Length > 1 && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new IOException("the node's answer is not HTTP");
        var fields = lines.Skip(1).Select(line => line.Split(':', 2)).Where(pair => pair.Length == 2).Select(pair => (pair[0].Trim(), pair[1].Trim())).ToList();
        return new Head(code, fields);
    }

    private static async Task TunnelAsync(HttpContext http, IHttpUpgradeFeature upgrade, Head head, NetworkStream node, byte[] rest, CancellationToken cancel)
    {
        foreach (var (name, value) in head.Fields)
            if (!name.Equals("Connection", StringComparison.OrdinalIgnoreCase) && !name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) http.Response.Headers.Append(name, value);
        await using var client = await upgrade.UpgradeAsync().ConfigureAwait(false);
        if (rest.Length > 0) await client.WriteAsync(rest, cancel).ConfigureAwait(false);
        await client.FlushAsync(cancel).ConfigureAwait(false);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var up = PumpAsync(client, node, either.Token);
        var down = PumpAsync(node, client, either.Token);
        // What the node still has to say is heard out after the client's end, not the other way round.
        if (await Task.WhenAny(up, down).ConfigureAwait(false) == up) node.Socket.Shutdown(SocketShutdown.Send);
        else await either.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(up, down).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task PumpAsync(Stream from, Stream to, CancellationToken cancel)
    {
        var buffer = new byte[32 * 1024];
        int read;
        while ((read = await from.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0)
        {
            await to.WriteAsync(buffer.AsMemory(0, read), cancel).ConfigureAwait(false);
            await to.FlushAsync(cancel).ConfigureAwait(false);
        }
    }

    private static async Task CopyAnswerAsync(HttpContext http, Head head, NetworkStream node, byte[] rest, CancellationToken cancel)
    {
        http.Response.StatusCode = head.Code;
        http.Response.ContentType = head.Field("Content-Type") ?? "text/plain";
        http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await http.Response.StartAsync(cancel).ConfigureAwait(false);
        Stream body = new PrefixedStream(rest, node);
        if (head.Field("Transfer-Encoding")?.Contains("chunked", StringComparison.OrdinalIgnoreCase) == true) body = new ChunkedStream(body);
        var left = long.TryParse(head.Field("Content-Length"), NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? length : long.MaxValue;
        var buffer = new byte[32 * 1024];
        while (left > 0)
        {
            var read = await body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), cancel).ConfigureAwait(false);
            if (read == 0) return;
            left -= read;
            await http.Response.Body.WriteAsync(buffer.AsMemory(0, read), cancel).ConfigureAwait(false);
            await http.Response.Body.FlushAsync(cancel).ConfigureAwait(false);
        }
    }
}
