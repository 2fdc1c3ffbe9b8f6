using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Admission;

/// <summary>
/// Asks webhooks over HTTPS. A service is reached at one of its endpoints directly; its certificate is that of SERVICE.NAMESPACE.svc
/// and is verified against the configuration's caBundle. Any thread.
/// </summary>
internal sealed class WebhookClient(ObjectStore store) : IDisposable
{
    private const int MaxAnswer = 4 << 20;
    private const int MaxClients = 256;

    private readonly ConcurrentDictionary<string, HttpMessageInvoker> _clients = new();

    /// <summary>Posts a review and returns the answer.</summary>
    /// <exception cref="HttpRequestException">The webhook cannot be reached, or does not answer as one.</exception>
    /// <exception cref="OperationCanceledException">The time is up.</exception>
    public async Task<JsonObject> AskAsync(Webhook hook, JsonObject review, CancellationToken cancel)
    {
        var (url, client) = Reach(hook);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(hook.Timeout);
        var body = JsonText.ToBytes(review);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, $"{url}{(url.Contains('?') ? '&' : '?')}timeout={hook.Timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)}s");
                request.Content = new ByteArrayContent(body);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
                using var response = await client.SendAsync(request, limit.Token).ConfigureAwait(false);
                if (!response.IsSuccessStatusCode) throw new HttpRequestException($"the server answered {(int)response.StatusCode}");
                return await ReadAsync(response, limit.Token).ConfigureAwait(false);
            }
            catch (HttpRequestException) when (attempt == 1)
            {
                // A pooled connection may have been closed meanwhile.
            }
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values) client.Dispose();
    }

    private static async Task<JsonObject> ReadAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var bytes = await response.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false);
        if (bytes.Length > MaxAnswer) throw new HttpRequestException("the answer is too large");
        try
        {
            return JsonText.Parse(bytes) as JsonObject ?? throw new HttpRequestException("the answer is no object");
        }
        catch (JsonException wrong)
        {
            throw new HttpRequestException($"the answer is no AdmissionReview: {wrong.Message}", wrong);
        }
    }

    private (string Url, HttpMessageInvoker Client) Reach(Webhook hook)
    {
        var authority = hook.Client.Text("caBundle") ?? "";
        if (hook.Client.Text("url") is { } url) return (url, Client($"{authority}\n{url}", authority, null, null));
        var service = hook.Client.At("service");
        var (space, name, port) = (service.Text("namespace") ?? "", service.Text("name") ?? "", service.Whole("port") ?? 443);
        var host = $"{name}.{space}.svc";
        var path = service.Text("path") ?? "";
        return ($"https://{host}:{port}{(path.StartsWith('/') || path.Length == 0 ? path : "/" + path)}",
            Client($"{authority}\n{host}:{port}", authority, host, () => Endpoint(space, name, port)));
    }

    private HttpMessageInvoker Client(string key, string authority, string? host, Func<(string Host, int Port)>? endpoint)
    {
        if (_clients.TryGetValue(key, out var known)) return known;
        if (_clients.Count > MaxClients) _clients.Clear();
        return _clients.GetOrAdd(key, _ => new HttpMessageInvoker(Handler(authority, host, endpoint)));
    }

    private static SocketsHttpHandler Handler(string authority, string? host, Func<(string Host, int Port)>? endpoint)
    {
        var handler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(1), UseProxy = false, AllowAutoRedirect = false, UseCookies = false };
        if (host is not null) handler.SslOptions.TargetHost = host;
        if (authority.Length > 0)
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPem(Encoding.UTF8.GetString(Convert.FromBase64String(authority)));
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, errors) => IsTrusted(certificate, chain, errors, roots);
        }
        if (endpoint is null) return handler;
        handler.ConnectCallback = async (_, cancel) =>
        {
            var (address, port) = endpoint();
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(address, port, cancel).ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception failure) when (failure is SocketException)
            {
                socket.Dispose();
                throw new HttpRequestException($"dial tcp {address}:{port}: {failure.Message}", failure);
            }
        };
        return handler;
    }

    private static bool IsTrusted(X509Certificate? certificate, X509Chain? sent, SslPolicyErrors errors, X509Certificate2Collection roots)
    {
        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (sent is not null) foreach (var element in sent.ChainElements) chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(new X509Certificate2(certificate));
    }

    /// <summary>A ready endpoint of a service's port.</summary>
    private (string Host, int Port) Endpoint(string space, string name, long port)
    {
        var service = store.Get(new ObjectKey("services", space, name)) ?? throw new HttpRequestException($"service \"{name}\" not found");
        var entry = service.Root.Items("spec", "ports").FirstOrDefault(candidate => candidate.Whole("port") == port);
        if (entry.ValueKind == JsonValueKind.Undefined) throw new HttpRequestException($"no service port {port} found for service \"{name}\"");
        var subsets = store.Get(new ObjectKey("endpoints", space, name))?.Root.Items("subsets") ?? [];
        foreach (var subset in subsets)
        {
            var target = subset.Items("ports").FirstOrDefault(candidate => (candidate.Text("name") ?? "") == (entry.Text("name") ?? ""));
            if (target.Whole("port") is not { } number) continue;
            var ready = subset.Items("addresses").Select(address => address.Text("ip")).OfType<string>().ToArray();
            if (ready.Length > 0) return (ready[Random.Shared.Next(ready.Length)], (int)number);
        }
        throw new HttpRequestException($"no endpoints available for service \"{name}\"");
    }
}
