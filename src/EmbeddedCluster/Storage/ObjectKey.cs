namespace Lateen.EmbeddedCluster.Storage;

/// <summary>Names one stored object. Immutable.</summary>
/// <param name="Resource">Storage name of the kind: plural, then a dot and the group when there is one ("pods", "deployments.apps").</param>
/// <param name="Namespace">Namespace, empty for cluster-scoped kinds.</param>
/// <param name="Name">Object name, not empty.</param>
public readonly record struct ObjectKey(string Resource, string Namespace, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => Namespace.Length == 0 ? $"{Resource}/{Name}" : $"{Resource}/{Namespace}/{Name}";
}

/// <summary>The order in which objects of one kind are listed: by namespace, then by name, ordinal. Immutable.</summary>
internal readonly record struct ListPosition(string Namespace, string Name) : IComparable<ListPosition>
{
    public int CompareTo(ListPosition other)
    {
        var order = string.CompareOrdinal(Namespace, other.Namespace);
        return order != 0 ? order : string.CompareOrdinal(Name, other.Name);
    }
}
