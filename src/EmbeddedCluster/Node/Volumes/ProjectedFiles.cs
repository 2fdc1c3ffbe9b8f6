using System.Text;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Pods;

namespace Lateen.EmbeddedCluster.Node.Volumes;

/// <summary>Gathers the files of volumes that show objects of the API: configMap, secret, downwardAPI and projected. Owned by one pod's worker.</summary>
internal sealed class ProjectedFiles(PodFields fields, ClusterObjects objects, TokenSource tokens)
{
    private const int DefaultMode = 0x1A4; // 0644

    private readonly Dictionary<string, VolumeFile> _files = new();

    /// <summary>The files of a volume by path, or null when the volume is of another kind.</summary>
    /// <exception cref="VolumeException">An object that it needs is not there.</exception>
    public async Task<IReadOnlyDictionary<string, VolumeFile>?> GatherAsync(JsonObject volume, CancellationToken cancel)
    {
        _files.Clear();
        if (volume["configMap"] is JsonObject map) AddConfigMap(map, Mode(map, "defaultMode"));
        else if (volume["secret"] is JsonObject secret) AddSecret(secret, secret.TextOf("secretName"), Mode(secret, "defaultMode"));
        else if (volume["downwardAPI"] is JsonObject downward) AddFields(downward, Mode(downward, "defaultMode"));
        else if (volume["projected"] is JsonObject projected)
        {
            var mode = Mode(projected, "defaultMode");
            foreach (var source in projected.ItemsOf("sources"))
            {
                if (source["configMap"] is JsonObject part) AddConfigMap(part, mode);
                if (source["secret"] is JsonObject hidden) AddSecret(hidden, hidden.TextOf("name"), mode);
                if (source["downwardAPI"] is JsonObject own) AddFields(own, mode);
                if (source["serviceAccountToken"] is JsonObject token) await AddTokenAsync(token, mode, cancel);
            }
        }
        else return null;
        return _files;
    }

    private void AddConfigMap(JsonObject source, int mode) =>
        AddEntries(source, "configmap", source.TextOf("name"), objects.ConfigMap(fields.Pod.Namespace, source.TextOf("name")), mode);

    private void AddSecret(JsonObject source, string name, int mode) => AddEntries(source, "secret", name, objects.Secret(fields.Pod.Namespace, name), mode);

    private void AddEntries(JsonObject source, string kind, string name, IReadOnlyDictionary<string, byte[]>? entries, int mode)
    {
        if (entries is null)
        {
            if (source.FlagOf("optional")) return;
            throw new VolumeException($"{kind} \"{name}\" not found");
        }
        if (!source.ItemsOf("items").Any())
        {
            foreach (var (key, content) in entries) _files[key] = new VolumeFile(content, mode);
            return;
        }
        foreach (var item in source.ItemsOf("items"))
        {
            var key = item.TextOf("key");
            if (entries.TryGetValue(key, out var content)) Add(item.TextOf("path"), content, item.NumberOf("mode") ?? mode);
            else if (!source.FlagOf("optional")) throw new VolumeException($"references non-existent {kind} key: {key}");
        }
    }

    private void AddFields(JsonObject source, int mode)
    {
        foreach (var item in source.ItemsOf("items"))
        {
            var text = item["fieldRef"] is JsonObject field ? fields.Field(field.TextOf("fieldPath"))
                : item["resourceFieldRef"] is JsonObject resource ? fields.Resource(resource, null)
                : null;
            Add(item.TextOf("path"), Encoding.UTF8.GetBytes(text ?? ""), item.NumberOf("mode") ?? mode);
        }
    }

    private async Task AddTokenAsync(JsonObject source, int mode, CancellationToken cancel)
    {
        var token = await tokens.GetAsync(fields.Pod, source.TextOf("audience"), source.NumberOf("expirationSeconds") ?? 3600, cancel);
        Add(source.TextOf("path"), Encoding.UTF8.GetBytes(token), mode);
    }

    private void Add(string path, byte[] content, int mode)
    {
        if (path.Split('/').Contains("..") || path.StartsWith('/')) throw new VolumeException($"path \"{path}\" leaves the volume");
        _files[path] = new VolumeFile(content, mode);
    }

    private static int Mode(JsonObject source, string field) => source.NumberOf(field) ?? DefaultMode;
}
