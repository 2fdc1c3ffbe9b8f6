using Envoy.Config.Rbac.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Filters.Policies;

/// <summary>Permission → condition: what may be done.</summary>
internal static class Permissions
{
    public static PolicyCondition Compile(Permission permission, string path)
    {
        switch (permission.RuleCase)
        {
            case Permission.RuleOneofCase.Any when permission.Any:
                return PolicyConditions.Always;
            case Permission.RuleOneofCase.AndRules:
                return PolicyConditions.All(Set(permission.AndRules, path + ".and_rules"));
            case Permission.RuleOneofCase.OrRules:
                return PolicyConditions.Any(Set(permission.OrRules, path + ".or_rules"));
            case Permission.RuleOneofCase.NotRule:
                return PolicyConditions.Not(Compile(permission.NotRule, path + ".not_rule"));
            case Permission.RuleOneofCase.Header:
                return PolicyConditions.Header(permission.Header, path + ".header");
            case Permission.RuleOneofCase.UrlPath:
                return PolicyConditions.UrlPath(permission.UrlPath, path + ".url_path");
            case Permission.RuleOneofCase.UriTemplate:
                return PolicyConditions.Template(permission.UriTemplate, path + ".uri_template");
            case Permission.RuleOneofCase.DestinationIp:
                var range = PolicyConditions.Range(permission.DestinationIp, path + ".destination_ip");
                return (in PolicySubject subject) => subject.Info.DownstreamLocal.IsIn(range);
            case Permission.RuleOneofCase.DestinationPort:
                var port = (int)permission.DestinationPort;
                if (port > 65535) throw new ConfigRefusedException(path + ".destination_port", $"{port} is not a port");
                return (in PolicySubject subject) => subject.Info.DownstreamLocal.Port == port;
            case Permission.RuleOneofCase.DestinationPortRange:
                var (start, end) = (permission.DestinationPortRange.Start, permission.DestinationPortRange.End);
                if (start < 0 || start >= end || end > 65536) throw new ConfigRefusedException(path + ".destination_port_range", $"[{start}, {end}) is not a range of ports");
                return (in PolicySubject subject) => subject.Info.DownstreamLocal.Port >= start && subject.Info.DownstreamLocal.Port < end;
#pragma warning disable CS0612 // The older form is still sent.
            case Permission.RuleOneofCase.Metadata:
                return PolicyConditions.Metadata(permission.Metadata, MetadataSource.Dynamic, path + ".metadata");
#pragma warning restore CS0612
            case Permission.RuleOneofCase.SourcedMetadata:
                return PolicyConditions.Metadata(permission.SourcedMetadata.MetadataMatcher, permission.SourcedMetadata.MetadataSource, path + ".sourced_metadata.metadata_matcher");
            case Permission.RuleOneofCase.RequestedServerName:
                var name = StringMatch.From(permission.RequestedServerName, path + ".requested_server_name");
                return (in PolicySubject subject) => name.IsMatch(subject.Info.RequestedServerName);
            case Permission.RuleOneofCase.Matcher:
                throw new ConfigRefusedException(path + ".matcher", $"the permission {permission.Matcher.Name} ({permission.Matcher.TypedConfig?.TypeUrl}) is not supported");
            default:
                throw new ConfigRefusedException(path, "has no rule");
        }
    }

    private static PolicyCondition[] Set(Permission.Types.Set set, string path) =>
        set.Rules.Count == 0 ? throw new ConfigRefusedException(path + ".rules", "is empty") : [.. set.Rules.Select((rule, i) => Compile(rule, $"{path}.rules[{i}]"))];
}
