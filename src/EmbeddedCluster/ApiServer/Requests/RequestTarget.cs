namespace Lateen.EmbeddedCluster.ApiServer.Requests;

/// <summary>What a path of the resource API names. Immutable.</summary>
/// <param name="Group">Group, empty for core.</param>
/// <param name="Version">Version.</param>
/// <param name="Namespace">Namespace, empty for none.</param>
/// <param name="Plural">The resource, empty for the path of a version itself.</param>
/// <param name="Name">The object, empty for the collection.</param>
/// <param name="Subresource">Part of the object, empty for the whole.</param>
/// <param name="Rest">Path below the subresource, without a leading slash.</param>
internal sealed record RequestTarget(string Group, string Version, string Namespace, string Plural, string Name, string Subresource, string Rest)
{
    /// <summary>The path asks for a watch in the old way, /api/v1/watch/….</summary>
    public bool WatchPrefix { get; init; }

    /// <summary>Reads a path under /api/VERSION or /apis/GROUP/VERSION; null for any other.</summary>
    public static RequestTarget? Parse(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        string group, version;
        int at;
        if (parts.Length >= 2 && parts[0] == "api") (group, version, at) = ("", parts[1], 2);
        else if (parts.Length >= 3 && parts[0] == "apis") (group, version, at) = (parts[1], parts[2], 3);
        else return null;
        var watch = at < parts.Length - 1 && parts[at] == "watch";
        if (watch) at++;
        var rest = parts.AsSpan(at);
        var namespaceName = "";
        // Below a namespace stand its objects, apart from the two parts of a namespace itself.
        if (rest.Length >= 3 && rest[0] == "namespaces" && !(rest.Length == 3 && rest[2] is "status" or "finalize"))
        {
            namespaceName = rest[1];
            rest = rest[2..];
        }
        return new RequestTarget(group, version, namespaceName, Part(rest, 0), Part(rest, 1), Part(rest, 2), rest.Length > 3 ? string.Join('/', rest[3..]!) : "")
        {
            WatchPrefix = watch,
        };
    }

    private static string Part(ReadOnlySpan<string> parts, int at) => at < parts.Length ? parts[at] : "";
}
