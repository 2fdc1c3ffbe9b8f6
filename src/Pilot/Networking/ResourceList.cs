namespace Lateen.Pilot.Networking;

/// <summary>
/// Resources in order, made of parts that many proxies share and parts of one proxy's own. Immutable; two lists of the same
/// parts are compared without looking at their resources.
/// </summary>
internal sealed class ResourceList
{
    public static readonly ResourceList Empty = new([]);

    private readonly EncodedResource[][] _parts;

    public ResourceList(params EncodedResource[][] parts)
    {
        _parts = parts;
        foreach (var part in parts) Count += part.Length;
    }

    public int Count { get; }

    public IEnumerable<EncodedResource> All => _parts.SelectMany(p => p);

    public long Size => _parts.Sum(p => p.Sum(r => (long)r.Size));

    /// <summary>Whether a proxy that has the other list has this one: the same resources, each with the same content.</summary>
    public bool SameAs(ResourceList other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (Count != other.Count) return false;
        if (_parts.Length == other._parts.Length)
        {
            for (var i = 0; i < _parts.Length; i++)
                if (!ReferenceEquals(_parts[i], other._parts[i]) && !Same(_parts[i], other._parts[i])) return false;
            return true;
        }
        return All.Zip(other.All).All(p => p.First.Name == p.Second.Name && p.First.SameAs(p.Second));
    }

    private static bool Same(EncodedResource[] left, EncodedResource[] right)
    {
        if (left.Length != right.Length) return false;
        for (var i = 0; i < left.Length; i++)
            if (left[i].Name != right[i].Name || !left[i].SameAs(right[i])) return false;
        return true;
    }
}
