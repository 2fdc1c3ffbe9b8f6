using System.Globalization;
using Envoy.Config.Core.V3;
using Envoy.Config.Rbac.V3;
using Envoy.Extensions.Path.Match.UriTemplate.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Security.V1Beta1;

namespace Lateen.Pilot.Networking.Security;

/// <summary>The attributes of what is asked for (pilot/pkg/security/authz/model/generator.go, permission.go).</summary>
internal static class PermissionAttributes
{
    private const string FilterPrefix = "experimental.";

    public static IEnumerable<RuleAttribute<Permission>> Of(Operation? operation, RuleContext context)
    {
        if (operation == null) return [];
        RuleAttribute<Permission>[] all =
        [
            new(operation.Hosts, operation.NotHosts, v => context.IsTcp ? null : new() { Header = ValueMatchers.Header(":authority", v, ignoreCase: true) }),
            new(operation.Methods, operation.NotMethods, v => context.IsTcp ? null : new() { Header = ValueMatchers.Header(":method", v) }),
            new(operation.Paths, operation.NotPaths, v => context.IsTcp ? null : Path(v)),
            new(operation.Ports, operation.NotPorts, Port),
        ];
        return all.Where(a => !a.IsEmpty);
    }

    /// <summary>Null for a condition of who asks.</summary>
    public static RuleAttribute<Permission>? Of(Condition when, RuleContext context) => when.Key switch
    {
        "destination.ip" => new(when.Values, when.NotValues, v => ValueMatchers.Range(v) is { } range ? new() { DestinationIp = range } : null),
        "destination.port" => new(when.Values, when.NotValues, Port),
        "connection.sni" => new(when.Values, when.NotValues, v => new() { RequestedServerName = ValueMatchers.Text(v) }),
        _ when when.Key.StartsWith(FilterPrefix + "envoy.filters.", StringComparison.Ordinal) => new(when.Values, when.NotValues, v => FilterMetadata(when.Key, v)),
        _ => null,
    };

    public static Permission Any(List<Permission> rules) => new() { OrRules = new() { Rules = { rules } } };

    public static Permission Not(Permission rule) => new() { NotRule = rule };

    private static Permission? Port(string value) =>
        uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? new() { DestinationPort = port } : null;

    /// <summary>Segments in braces make a template: <c>{*}</c> is one segment, <c>{**}</c> any number.</summary>
    private static Permission Path(string value)
    {
        if (!value.Contains("{*}", StringComparison.Ordinal) && !value.Contains("{**}", StringComparison.Ordinal)) return new() { UrlPath = new() { Path = ValueMatchers.Text(value) } };
        var template = value.Replace("{*}", "*", StringComparison.Ordinal).Replace("{**}", "**", StringComparison.Ordinal);
        return new() { UriTemplate = new TypedExtensionConfig { Name = "uri-template", TypedConfig = Google.Protobuf.WellKnownTypes.Any.Pack(new UriTemplateMatchConfig { PathTemplate = template }) } };
    }

    /// <summary><c>experimental.envoy.filters.a.b[key]</c>: what a filter noted; a value in brackets is one of a list.</summary>
    private static Permission? FilterMetadata(string key, string value)
    {
        var bracket = key.IndexOf('[', StringComparison.Ordinal);
        if (bracket < 0 || !key.EndsWith(']')) return null;
        var (filter, name) = (key[FilterPrefix.Length..bracket], key[(bracket + 1)..^1]);
        var inList = value.StartsWith('[') && value.EndsWith(']');
        var matcher = inList ? ValueMatchers.ListHas(ValueMatchers.Text(value.Trim('[', ']'))) : ValueMatchers.Is(ValueMatchers.Text(value));
#pragma warning disable CS0612 // istiod sends this field, and Envoys of every age know it
        return new() { Metadata = ValueMatchers.Metadata(filter, [name], matcher) };
#pragma warning restore CS0612
    }
}
