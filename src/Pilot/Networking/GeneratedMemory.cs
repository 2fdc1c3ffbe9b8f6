using System.Collections.Concurrent;
using Google.Protobuf;

namespace Lateen.Pilot.Networking;

/// <summary>
/// The last resource of each name and the parts that it was put together from. The same parts again give the same resource,
/// without a copy, a hash or a new version. Any thread.
/// </summary>
internal sealed class GeneratedMemory
{
    private const int Bound = 16_384;

    private readonly ConcurrentDictionary<object, (IReadOnlyList<ByteString> Parts, EncodedResource Resource)> _last = new();

    public EncodedResource Get(object key, IReadOnlyList<ByteString> parts, Func<EncodedResource> make)
    {
        if (_last.TryGetValue(key, out var last) && Same(last.Parts, parts)) return last.Resource;
        var resource = make();
        if (_last.Count >= Bound) _last.Clear();
        // Equal content made of new parts keeps the object that proxies have.
        if (last.Resource is { } before && before.SameAs(resource)) resource = before;
        _last[key] = (parts, resource);
        return resource;
    }

    private static bool Same(IReadOnlyList<ByteString> left, IReadOnlyList<ByteString> right)
    {
        if (left.Count != right.Count) return false;
        for (var i = 0; i < left.Count; i++)
            if (!ReferenceEquals(left[i], right[i])) return false;
        return true;
    }
}
