using System.Collections.Frozen;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>The versions of one group, the preferred one first.</summary>
internal sealed record ServedGroup(string Name, string[] Versions)
{
    /// <summary>"apps/v1", or "v1" for the core group.</summary>
    public string ApiVersion(string version) => Name.Length == 0 ? version : $"{Name}/{version}";
}

/// <summary>Everything that is served at one moment. Immutable.</summary>
internal sealed class ResourceCatalog
{
    private readonly FrozenDictionary<(string Group, string Version, string Plural), ServedResource> _byPath;
    private readonly FrozenDictionary<(string Group, string Version, string Kind), ServedResource> _byKind;
    private readonly FrozenDictionary<string, ServedResource> _byStorage;

    public ResourceCatalog(IReadOnlyList<ServedResource> resources)
    {
        All = resources;
        _byPath = resources.ToFrozenDictionary(resource => (resource.Group, resource.Version, resource.Plural));
        _byKind = resources.GroupBy(resource => (resource.Group, resource.Version, resource.Kind.Kind))
            .ToFrozenDictionary(group => group.Key, group => group.First());
        _byStorage = resources.GroupBy(resource => resource.Kind.StorageName)
            .ToFrozenDictionary(group => group.Key, group => group.FirstOrDefault(resource => resource.IsStorageVersion) ?? group.First());
        Groups = [.. resources.GroupBy(resource => resource.Group)
            .Select(group => new ServedGroup(group.Key, [.. group.Select(resource => resource.Version).Distinct().OrderByDescending(VersionRank)]))];
    }

    public IReadOnlyList<ServedResource> All { get; }

    /// <summary>Groups in the order of their definition, the core group first.</summary>
    public IReadOnlyList<ServedGroup> Groups { get; }

    /// <summary>By path: group (empty for core), version and plural.</summary>
    public ServedResource? Find(string group, string version, string plural) => _byPath.GetValueOrDefault((group, version, plural));

    /// <summary>By apiVersion and kind.</summary>
    public ServedResource? FindKind(string apiVersion, string kind)
    {
        var slash = apiVersion.IndexOf('/');
        return _byKind.GetValueOrDefault(slash < 0 ? ("", apiVersion, kind) : (apiVersion[..slash], apiVersion[(slash + 1)..], kind));
    }

    /// <summary>The stored version of a kind, by its storage name.</summary>
    public ServedResource? FindStorage(string storageName) => _byStorage.GetValueOrDefault(storageName);

    public IEnumerable<ServedResource> In(string group, string version) => All.Where(resource => resource.Group == group && resource.Version == version);

    /// <summary>v2 before v1 before v1beta2 before v1alpha3, as Kubernetes sorts.</summary>
    internal static (int Stage, int Major, int Minor) VersionRank(string version)
    {
        var match = System.Text.RegularExpressions.Regex.Match(version, @"^v(\d{1,6})(?:(alpha|beta)(\d{1,6}))?$");
        if (!match.Success) return (0, 0, 0);
        var stage = match.Groups[2].Value switch { "" => 3, "beta" => 2, _ => 1 };
        return (stage, int.Parse(match.Groups[1].ValueSpan), match.Groups[3].Success ? int.Parse(match.Groups[3].ValueSpan) : 0);
    }
}
