using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;
using Envoy.Type.Matcher.V3;

namespace Lateen.Pilot.Networking.Security;

/// <summary>The values of policies, in which a star begins, ends or is the whole, as Envoy's matchers (pilot/pkg/security/authz/matcher).</summary>
internal static class ValueMatchers
{
    /// <param name="value">The value of the policy.</param>
    /// <param name="prefix">Stands before the value, whatever the star.</param>
    /// <param name="ignoreCase">Whether case matters not.</param>
    public static StringMatcher Text(string value, string prefix = "", bool ignoreCase = false) => value switch
    {
        "*" => Regex(".+"),
        ['*', ..] when prefix.Length > 0 => Regex(prefix + ".*" + value[1..]),
        ['*', ..] => new() { Suffix = value[1..], IgnoreCase = ignoreCase },
        [.., '*'] => new() { Prefix = prefix + value[..^1], IgnoreCase = ignoreCase },
        _ => new() { Exact = prefix + value, IgnoreCase = ignoreCase },
    };

    public static StringMatcher Regex(string pattern) => new() { SafeRegex = new() { Regex = pattern } };

    public static HeaderMatcher Header(string name, string value, bool ignoreCase = false) =>
        value == "*" ? new() { Name = name, PresentMatch = true } : new() { Name = name, StringMatch = Text(value, "", ignoreCase) };

    /// <summary>An address, or a range with its length; null for what is neither.</summary>
    public static CidrRange? Range(string value)
    {
        var slash = value.IndexOf('/', StringComparison.Ordinal);
        if (!IPAddress.TryParse(slash < 0 ? value : value[..slash], out var address)) return null;
        var length = address.AddressFamily == AddressFamily.InterNetwork ? 32u : 128u;
        if (slash >= 0 && (!uint.TryParse(value.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var given) || given > length)) return null;
        else if (slash >= 0) length = uint.Parse(value.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        return new() { AddressPrefix = slash < 0 ? value : value[..slash], PrefixLen = length };
    }

    public static ValueMatcher Is(StringMatcher text) => new() { StringMatch = text };

    public static ValueMatcher ListHas(StringMatcher text) => new() { ListMatch = new() { OneOf = Is(text) } };

    public static MetadataMatcher Metadata(string filter, IEnumerable<string> path, ValueMatcher value)
    {
        var matcher = new MetadataMatcher { Filter = filter, Value = value };
        foreach (var key in path) matcher.Path.Add(new MetadataMatcher.Types.PathSegment { Key = key });
        return matcher;
    }
}
