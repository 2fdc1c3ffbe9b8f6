using System.Text.Json.Nodes;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;
using Lateen.Kubernetes.Informers;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>The objects of the cluster that pods refer to, kept up to date. Any thread.</summary>
internal sealed class ClusterObjects : IAsyncDisposable
{
    /// <summary>Starts to watch.</summary>
    public ClusterObjects(KubeClient client, ILogger log)
    {
        ConfigMaps = new Informer(client, KubeResource.ConfigMaps, log: log);
        Secrets = new Informer(client, KubeResource.Secrets, log: log);
        Services = new Informer(client, KubeResource.Services, log: log);
        Endpoints = new Informer(client, KubeResource.Endpoints, log: log);
    }

    /// <summary>All config maps.</summary>
    public Informer ConfigMaps { get; }

    /// <summary>All secrets.</summary>
    public Informer Secrets { get; }

    /// <summary>All services.</summary>
    public Informer Services { get; }

    /// <summary>All endpoints.</summary>
    public Informer Endpoints { get; }

    /// <summary>Whether everything has been read once.</summary>
    public bool HasSynced => ConfigMaps.HasSynced && Secrets.HasSynced && Services.HasSynced && Endpoints.HasSynced;

    /// <summary>Starts to watch; handlers must be there by then.</summary>
    public void Start()
    {
        foreach (var informer in (Informer[])[ConfigMaps, Secrets, Services, Endpoints]) informer.Start();
    }

    /// <summary>Completes when everything has been read once.</summary>
    public Task WaitForSyncAsync(CancellationToken cancel) =>
        Task.WhenAll(ConfigMaps.WaitForSyncAsync(cancel), Secrets.WaitForSyncAsync(cancel), Services.WaitForSyncAsync(cancel), Endpoints.WaitForSyncAsync(cancel));

    /// <summary>The entries of a config map: text of <c>data</c>, bytes of <c>binaryData</c>.</summary>
    /// <returns>Null when there is none.</returns>
    public IReadOnlyDictionary<string, byte[]>? ConfigMap(string ns, string name)
    {
        if (ConfigMaps.Get(ns, name) is not { } map) return null;
        var entries = map.MapOf("data").ToDictionary(entry => entry.Key, entry => System.Text.Encoding.UTF8.GetBytes(entry.Value));
        foreach (var (key, text) in map.MapOf("binaryData")) entries[key] = Convert.FromBase64String(text);
        return entries;
    }

    /// <summary>The entries of a secret.</summary>
    /// <returns>Null when there is none.</returns>
    public IReadOnlyDictionary<string, byte[]>? Secret(string ns, string name) =>
        Secrets.Get(ns, name)?.MapOf("data").ToDictionary(entry => entry.Key, entry => Convert.FromBase64String(entry.Value));

    /// <summary>All services of a namespace, and the API server's.</summary>
    public IEnumerable<JsonObject> ServicesSeenFrom(string ns) =>
        Services.Objects.Where(service => service.ObjectOf("metadata") is var metadata
            && (metadata.TextOf("namespace") == ns || metadata.TextOf("namespace") == "default" && metadata.TextOf("name") == "kubernetes"));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var informer in (Informer[])[ConfigMaps, Secrets, Services, Endpoints]) await informer.DisposeAsync();
    }
}
