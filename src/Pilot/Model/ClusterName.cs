using System.Globalization;

namespace Lateen.Pilot.Model;

/// <summary>The parts of a cluster's name, <c>outbound|9080|v1|reviews.default.svc.cluster.local</c>. Immutable.</summary>
internal readonly record struct ClusterName(string Direction, int Port, string Subset, string Hostname)
{
    public const string BlackHole = "BlackHoleCluster";
    public const string Passthrough = "PassthroughCluster";
    public const string InboundPassthrough = "InboundPassthroughCluster";

    public static string Outbound(int port, string subset, string hostname) =>
        string.Create(CultureInfo.InvariantCulture, $"outbound|{port}|{subset}|{hostname}");

    public static string Inbound(int port) => string.Create(CultureInfo.InvariantCulture, $"inbound|{port}||");

    /// <summary>The form of a name that is also a legal SNI, for gateways that pass TLS on by SNI alone.</summary>
    public static string SniOutbound(int port, string subset, string hostname) =>
        string.Create(CultureInfo.InvariantCulture, $"outbound_.{port}_.{subset}_.{hostname}");

    /// <summary>Reads either form; false for a name that no service has.</summary>
    public static bool TryParse(string name, out ClusterName parsed)
    {
        parsed = default;
        ReadOnlySpan<char> rest = name;
        var separator = name.Contains('|') ? "|" : "_.";
        if (!Cut(ref rest, separator, out var direction) || !Cut(ref rest, separator, out var port) || !Cut(ref rest, separator, out var subset))
            return false;
        if (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        parsed = new(direction.ToString(), number, subset.Length == 0 ? "" : subset.ToString(), rest.ToString());
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Direction}|{Port}|{Subset}|{Hostname}");

    private static bool Cut(ref ReadOnlySpan<char> rest, string separator, out ReadOnlySpan<char> part)
    {
        var at = rest.IndexOf(separator, StringComparison.Ordinal);
        part = at < 0 ? default : rest[..at];
        if (at < 0) return false;
        rest = rest[(at + separator.Length)..];
        return true;
    }
}
