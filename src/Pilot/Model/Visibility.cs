namespace Lateen.Pilot.Model;

/// <summary>To whom an object is exported: everyone, nobody, or a set of namespaces. Immutable.</summary>
internal sealed class Visibility
{
    public static readonly Visibility Public = new(true, []);
    public static readonly Visibility Nobody = new(false, []);

    private readonly HashSet<string> _namespaces;

    private Visibility(bool isPublic, HashSet<string> namespaces) => (IsPublic, _namespaces) = (isPublic, namespaces);

    public bool IsPublic { get; }

    public IReadOnlyCollection<string> Namespaces => _namespaces;

    public bool IsNobody => !IsPublic && _namespaces.Count == 0;

    /// <summary>
    /// Reads an exportTo list: <c>*</c> wins over everything, then <c>~</c>; <c>.</c> is the object's own namespace; an empty
    /// list is <paramref name="byDefault"/>, itself read for the object's namespace.
    /// </summary>
    public static Visibility Read(IReadOnlyCollection<string> exportTo, string ownNamespace, IReadOnlyCollection<string> byDefault)
    {
        var list = exportTo.Count > 0 ? exportTo : byDefault;
        if (list.Count == 0 || list.Contains("*")) return Public;
        if (list.Contains("~")) return Nobody;
        return new(false, list.Select(n => n == "." ? ownNamespace : n).ToHashSet(StringComparer.Ordinal));
    }

    public bool Includes(string @namespace) => IsPublic || _namespaces.Contains(@namespace);

    public bool SameAs(Visibility other) => IsPublic == other.IsPublic && _namespaces.SetEquals(other._namespaces);

    public bool Contains(Visibility other) => IsPublic || (!other.IsPublic && _namespaces.IsSupersetOf(other._namespaces));
}
