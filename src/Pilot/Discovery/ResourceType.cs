using Lateen.Api;

namespace Lateen.Pilot.Discovery;

/// <summary>The types of resources that Pilot serves, in the order in which a proxy can use them without a gap.</summary>
internal enum ResourceType { Cluster, Endpoint, Listener, Route }

internal static class ResourceTypes
{
    public const int Count = 4;

    private static readonly string[] Urls = [TypeUrls.Cluster, TypeUrls.Endpoint, TypeUrls.Listener, TypeUrls.Route];
    private static readonly string[] ShortNames = ["cds", "eds", "lds", "rds"];

    public static bool TryParse(string url, out ResourceType type)
    {
        var index = Array.IndexOf(Urls, url);
        type = (ResourceType)Math.Max(index, 0);
        return index >= 0;
    }

    public static string Url(this ResourceType type) => Urls[(int)type];

    public static string ShortName(this ResourceType type) => ShortNames[(int)type];

    /// <summary>Of these types a proxy has all that there are; of the others those that it names.</summary>
    public static bool IsWhole(this ResourceType type) => type is ResourceType.Cluster or ResourceType.Listener;
}
