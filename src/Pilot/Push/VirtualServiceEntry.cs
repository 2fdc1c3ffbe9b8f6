using Istio.Networking.V1Alpha3;
using Lateen.Config;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Push;

/// <summary>
/// A VirtualService with its short names completed and its delegates merged in. Immutable: nobody changes
/// <see cref="Spec"/>; an edit makes a new object, and that identity is what routes are cached by.
/// </summary>
internal sealed class VirtualServiceEntry
{
    public const string Mesh = "mesh";

    public VirtualServiceEntry(ConfigObject config, VirtualService spec, IReadOnlyCollection<string> defaultExportTo)
    {
        (Config, Spec) = (config, spec);
        Key = new(config.Kind.Kind, config.Namespace, config.Name);
        Hosts = [.. spec.Hosts.Select(h => h.ToLowerInvariant())];
        Gateways = spec.Gateways.Count == 0 ? [Mesh] : [.. spec.Gateways];
        ExportedTo = Visibility.Read(spec.ExportTo, config.Namespace, defaultExportTo);
        MetadataPath = config.MetadataPath();
        SourceSelectors = FindSelectors(spec);
    }

    public ConfigObject Config { get; }
    public VirtualService Spec { get; }
    public ConfigKey Key { get; }
    public string Name => Config.Name;
    public string Namespace => Config.Namespace;

    /// <summary>Complete host names, in lower case.</summary>
    public IReadOnlyList<string> Hosts { get; }

    /// <summary><c>mesh</c> or <c>namespace/name</c>.</summary>
    public IReadOnlyList<string> Gateways { get; }

    public Visibility ExportedTo { get; }
    public string MetadataPath { get; }

    /// <summary>The delegates that were merged in, whether or not they exist: their change changes this entry.</summary>
    public IReadOnlyList<ConfigKey> Delegates { get; init; } = [];

    /// <summary>The sourceLabels of all matches: the only way in which a client's labels decide its routes.</summary>
    public IReadOnlyList<SourceSelector> SourceSelectors { get; }

    /// <summary>What was generated from this object. Any thread.</summary>
    public GeneratedCache Generated { get; } = new();

    public bool IsMesh => Gateways.Contains(Mesh);

    /// <summary>Which of the selectors cover a client, as a key: clients with the same answer get the same routes.</summary>
    public string SelectedBy(IReadOnlyDictionary<string, string> labels, string @namespace)
    {
        if (SourceSelectors.Count == 0) return "";
        return string.Create(SourceSelectors.Count, (SourceSelectors, labels, @namespace), static (answer, s) =>
        {
            for (var i = 0; i < answer.Length; i++) answer[i] = s.SourceSelectors[i].Covers(s.labels, s.@namespace) ? '1' : '0';
        });
    }

    public override string ToString() => Key.ToString();

    private static List<SourceSelector> FindSelectors(VirtualService spec)
    {
        List<SourceSelector> found = [];
        foreach (var route in spec.Http)
            foreach (var match in route.Match) Add(match.SourceLabels, match.SourceNamespace);
        foreach (var route in spec.Tls)
            foreach (var match in route.Match) Add(match.SourceLabels, match.SourceNamespace);
        foreach (var route in spec.Tcp)
            foreach (var match in route.Match) Add(match.SourceLabels, match.SourceNamespace);
        return found;

        void Add(IDictionary<string, string> labels, string sourceNamespace)
        {
            if (labels.Count == 0 && sourceNamespace.Length == 0) return;
            found.Add(new(new Dictionary<string, string>(labels), sourceNamespace));
        }
    }
}

/// <summary>Labels and namespace that a match asks of the client. Immutable.</summary>
internal sealed record SourceSelector(IReadOnlyDictionary<string, string> Labels, string Namespace)
{
    public bool Covers(IReadOnlyDictionary<string, string> labels, string @namespace) =>
        (Namespace.Length == 0 || Namespace == @namespace) && Model.Labels.Covers(Labels, labels);
}
