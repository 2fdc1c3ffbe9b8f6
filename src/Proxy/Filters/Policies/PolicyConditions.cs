using Envoy.Config.Core.V3;
using Envoy.Config.Rbac.V3;
using Envoy.Extensions.Path.Match.UriTemplate.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Api;
using Lateen.Foundation.Net;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Network;
using SocketAddress = Lateen.Proxy.Network.SocketAddress;

namespace Lateen.Proxy.Filters.Policies;

/// <summary>The conditions that permissions and principals share. Source: envoy.config.rbac.v3; Envoy, source/extensions/filters/common/rbac/matchers.cc.</summary>
internal static class PolicyConditions
{
    public static readonly PolicyCondition Always = (in PolicySubject _) => true;

    public static PolicyCondition Not(PolicyCondition inner) => (in PolicySubject subject) => !inner(subject);

    /// <summary>All of some; true for none.</summary>
    public static PolicyCondition All(PolicyCondition[] inner) => inner is [var only] ? only : (in PolicySubject subject) =>
    {
        foreach (var condition in inner)
            if (!condition(subject))
                return false;
        return true;
    };

    /// <summary>Any of some; false for none.</summary>
    public static PolicyCondition Any(PolicyCondition[] inner) => inner is [var only] ? only : (in PolicySubject subject) =>
    {
        foreach (var condition in inner)
            if (condition(subject))
                return true;
        return false;
    };

    public static PolicyCondition Header(Envoy.Config.Route.V3.HeaderMatcher matcher, string path)
    {
        var match = new HeaderMatch(matcher, path);
        return (in PolicySubject subject) => match.IsMatch(subject.Headers);
    }

    public static PolicyCondition UrlPath(PathMatcher matcher, string path)
    {
        var match = StringMatch.From(matcher.Path ?? throw new ConfigRefusedException(path + ".path", "is missing"), path + ".path");
        return (in PolicySubject subject) => subject.Path is { IsEmpty: false } target && match.IsMatch(target);
    }

    public static PolicyCondition Template(TypedExtensionConfig extension, string path)
    {
        if (extension.TypedConfig?.TryRead<UriTemplateMatchConfig>(out var config) != true)
            throw new ConfigRefusedException(path, $"{extension.Name} ({extension.TypedConfig?.TypeUrl}) is not supported");
        var regex = UriTemplate.ToRegex(config.PathTemplate, path + ".path_template");
        return (in PolicySubject subject) => subject.Path is { IsEmpty: false } target && SafeRegex.IsMatch(regex, target);
    }

    public static PolicyCondition Metadata(MetadataMatcher matcher, MetadataSource source, string path)
    {
        var match = new MetadataMatch(matcher ?? throw new ConfigRefusedException(path, "is missing"), path);
        return source == MetadataSource.Route
            ? (in PolicySubject subject) => match.IsMatch(subject.RouteMetadata)
            : (in PolicySubject subject) => match.IsMatch(subject.Info.Metadata);
    }

    public static PolicyCondition State(FilterStateMatcher matcher, string path)
    {
        var key = matcher.Key;
        if (matcher.MatcherCase == FilterStateMatcher.MatcherOneofCase.StringMatch)
        {
            var match = StringMatch.From(matcher.StringMatch, path + ".string_match");
            return (in PolicySubject subject) => subject.Info.FilterState.Find(key)?.ToString() is { } text && match.IsMatch(text);
        }
        if (matcher.MatcherCase != FilterStateMatcher.MatcherOneofCase.AddressMatch) throw new ConfigRefusedException(path, "has no matcher");
        var ranges = matcher.AddressMatch.Ranges.Select((range, i) => Range(range.AddressPrefix, range.PrefixLen, $"{path}.address_match.ranges[{i}]")).ToArray();
        return (in PolicySubject subject) =>
        {
            var address = subject.Info.FilterState.Find(key) switch
            {
                SocketAddress given => given,
                string text when SocketAddress.TryParse(text, 0, out var parsed) => parsed,
                _ => default,
            };
            foreach (var range in ranges)
                if (address.IsIn(range))
                    return true;
            return false;
        };
    }

    public static AddressRange Range(CidrRange range, string path) => Range(range.AddressPrefix, range.PrefixLen, path);

    private static AddressRange Range(string address, uint? length, string path) =>
        IpPrefix.TryParse($"{address}/{length ?? 0}", out var prefix) ? new AddressRange(prefix) : throw new ConfigRefusedException(path, $"'{address}/{length}' is not an address range");
}
