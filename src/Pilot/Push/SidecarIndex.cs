using Istio.Networking.V1Alpha3;
using Lateen.Config;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>The Sidecar objects and which of them a proxy obeys. Immutable.</summary>
internal sealed class SidecarIndex
{
    public static readonly SidecarIndex Empty = new([], "");

    private readonly Dictionary<string, List<ConfigObject>> _selective = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ConfigObject> _general = new(StringComparer.Ordinal);
    private readonly string _rootNamespace;

    public SidecarIndex(IEnumerable<ConfigObject> objects, string rootNamespace)
    {
        _rootNamespace = rootNamespace;
        foreach (var config in objects.OldestFirst())
            if (config.As<Sidecar>().WorkloadSelector is { Labels.Count: > 0 })
            {
                if (!_selective.TryGetValue(config.Namespace, out var list)) _selective[config.Namespace] = list = [];
                list.Add(config);
            }
            else _general.TryAdd(config.Namespace, config);
    }

    /// <summary>By workload labels, else for the namespace, else the root namespace's, else none.</summary>
    public ConfigObject? For(string @namespace, IReadOnlyDictionary<string, string> labels)
    {
        if (_selective.TryGetValue(@namespace, out var selective))
            foreach (var config in selective)
                if (Labels.Covers(config.As<Sidecar>().WorkloadSelector.Labels, labels)) return config;
        return _general.GetValueOrDefault(@namespace) ?? _general.GetValueOrDefault(_rootNamespace);
    }
}
