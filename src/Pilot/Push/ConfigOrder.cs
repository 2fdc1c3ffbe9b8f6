using Lateen.Config;

namespace Lateen.Pilot.Push;

/// <summary>The order in which objects win conflicts: oldest first, then by name and namespace.</summary>
internal static class ConfigOrder
{
    public static IEnumerable<ConfigObject> OldestFirst(this IEnumerable<ConfigObject> objects) =>
        objects.OrderBy(o => o.CreationTimestamp ?? DateTimeOffset.MinValue)
            .ThenBy(o => o.Name, StringComparer.Ordinal)
            .ThenBy(o => o.Namespace, StringComparer.Ordinal);

    /// <summary>
    /// The path by which metadata on routes and clusters names the object they come from, such as
    /// <c>/apis/networking.istio.io/v1/namespaces/default/virtual-service/reviews</c> (pilot/pkg/networking/util/util.go).
    /// </summary>
    public static string MetadataPath(this ConfigObject config)
    {
        var kind = string.Concat(config.Kind.Kind.Select((c, i) => char.IsUpper(c) ? (i > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString()));
        return $"/apis/{config.Kind.Group}/v1/namespaces/{config.Namespace}/{kind}/{config.Name}";
    }
}
