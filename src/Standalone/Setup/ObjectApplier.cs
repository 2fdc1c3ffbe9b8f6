using System.Text.Json.Nodes;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Yaml;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;

namespace Lateen.Standalone.Setup;

/// <summary>Applies YAML to an API server, kind by kind as its discovery says: what is there already is merged into. One caller at a time.</summary>
internal sealed class ObjectApplier(KubeClient client)
{
    private readonly Dictionary<string, IReadOnlyList<KubeResource>> _discovered = new(StringComparer.Ordinal);

    /// <summary>Applies every document of a text.</summary>
    /// <exception cref="CommandFailedException">A document cannot be read or is refused; the message names file and object.</exception>
    public async Task ApplyAsync(string yaml, string file, CancellationToken cancel)
    {
        foreach (var document in YamlReader.ReadAll(yaml, file))
        {
            if (document.Error is { } error) throw new CommandFailedException($"{file}: {error}");
            if (document.Root is not JsonObject value) throw new CommandFailedException($"{file}:{document.Line}: a document must be an object");
            foreach (var item in (string?)value["kind"] == "List" ? (value["items"] as JsonArray ?? []).OfType<JsonObject>() : [value]) await ApplyAsync(item, $"{file}:{document.Line}", cancel);
        }
    }

    /// <summary>Applies the documents of several files, none of which needs another, side by side.</summary>
    /// <exception cref="CommandFailedException">A document cannot be read or is refused; the message names file and object.</exception>
    public async Task ApplyInAnyOrderAsync(IEnumerable<(string Yaml, string File)> files, CancellationToken cancel)
    {
        var all = files.SelectMany(file => YamlReader.ReadAll(file.Yaml, file.File), (file, document) => document switch
        {
            { Error: { } error } => throw new CommandFailedException($"{file.File}: {error}"),
            { Root: JsonObject value } => (Value: value, Where: $"{file.File}:{document.Line}"),
            _ => throw new CommandFailedException($"{file.File}:{document.Line}: a document must be an object"),
        }).ToList();
        // Looked up beforehand, since what is discovered is kept without a lock.
        foreach (var (value, _) in all) await FindAsync((string?)value["apiVersion"] ?? "", (string?)value["kind"] ?? "", cancel);
        await Task.WhenAll(all.Select(entry => ApplyAsync(entry.Value, entry.Where, cancel)));
    }

    /// <summary>Applies one object; <paramref name="where"/> names it in errors.</summary>
    public async Task ApplyAsync(JsonObject value, string where, CancellationToken cancel)
    {
        var (apiVersion, kind, name) = ((string?)value["apiVersion"] ?? "", (string?)value["kind"] ?? "", (string?)value["metadata"]?["name"] ?? "");
        var resource = await FindAsync(apiVersion, kind, cancel) ?? throw new CommandFailedException($"{where}: the API server has no {kind} of {apiVersion}");
        var ns = resource.Namespaced ? (string?)value["metadata"]?["namespace"] ?? "default" : null;
        try
        {
            while (true)
            {
                try
                {
                    await CreateOrMergeAsync(resource, ns, name, value, cancel);
                    return;
                }
                catch (KubeException e) when (IsUnjudged(e))
                {
                    await Task.Delay(100, cancel);
                }
            }
        }
        catch (KubeException e)
        {
            throw new CommandFailedException($"{where}: {kind} {name}: {e.Message}", e);
        }
    }

    /// <summary>The mesh's webhooks start beside the API server: an object that none can judge yet is offered again.</summary>
    private static bool IsUnjudged(KubeException e) => e.Message.Contains("failed calling webhook", StringComparison.Ordinal);

    private async Task CreateOrMergeAsync(KubeResource resource, string? ns, string name, JsonObject value, CancellationToken cancel)
    {
        try
        {
            await client.CreateAsync(resource, ns, value.DeepClone().AsObject(), cancel);
        }
        catch (KubeException e) when (e.IsConflict)
        {
            await client.PatchAsync(resource, ns, name, value.DeepClone(), KubePatch.Merge, cancel);
        }
    }

    private async Task<KubeResource?> FindAsync(string apiVersion, string kind, CancellationToken cancel)
    {
        // Kinds may have been defined since the last look.
        for (var attempt = 0; attempt < 2; attempt++)
        {
            if (attempt > 0 || !_discovered.ContainsKey(apiVersion)) _discovered[apiVersion] = await DiscoverAsync(apiVersion, cancel);
            if (_discovered[apiVersion].FirstOrDefault(resource => resource.Kind == kind) is { } found) return found;
        }
        return null;
    }

    private async Task<IReadOnlyList<KubeResource>> DiscoverAsync(string apiVersion, CancellationToken cancel)
    {
        var (group, version) = apiVersion.Split('/') is [var given, var of] ? (given, of) : ("", apiVersion);
        try
        {
            var list = await client.RequestAsync(HttpMethod.Get, group.Length == 0 ? $"/api/{version}" : $"/apis/{group}/{version}", cancel: cancel);
            return
            [
                .. (list["resources"] as JsonArray ?? []).OfType<JsonObject>().Where(entry => !((string?)entry["name"] ?? "").Contains('/'))
                    .Select(entry => new KubeResource(group, version, (string)entry["name"]!, (string)entry["kind"]!, (bool?)entry["namespaced"] ?? false)),
            ];
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return [];
        }
    }
}
