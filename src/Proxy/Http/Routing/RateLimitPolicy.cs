using System.Globalization;
using System.Net;
using System.Text;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Common.Ratelimit.V3;
using Envoy.Type.Metadata.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using RateLimitUnit = Envoy.Type.V3.RateLimitUnit;
using Action = Envoy.Config.Route.V3.RateLimit.Types.Action;

namespace Lateen.Proxy.Http.Routing;

/// <summary>
/// The rate_limits of a route, a virtual host or a filter: how a request is described to a rate limit service. Immutable. Source:
/// envoy.config.route.v3.RateLimit and Envoy's source/common/router/router_ratelimit.cc.
/// </summary>
internal sealed class RateLimitPolicy
{
    public static readonly RateLimitPolicy None = new([]);
    private readonly Entry[] _entries;

    private RateLimitPolicy(Entry[] entries) => _entries = entries;

    public bool IsEmpty => _entries.Length == 0;

    public static RateLimitPolicy Compile(IReadOnlyList<RateLimit> limits, string path) =>
        limits.Count == 0 ? None : new RateLimitPolicy([.. limits.Select((limit, i) => Compile(limit, $"{path}[{i}]"))]);

    /// <summary>Adds the descriptors that a stage has for a request.</summary>
    public void Describe(HttpExchange exchange, uint stage, List<RateLimitDescriptor> descriptors)
    {
        foreach (var entry in _entries)
        {
            if (entry.Stage != stage) continue;
            var descriptor = new RateLimitDescriptor();
            if (!Array.TrueForAll(entry.Actions, action => action(exchange, descriptor)) || descriptor.Entries.Count == 0) continue;
            if (entry.Limit is { } limit) descriptor.Limit = Override(exchange.Info.Metadata.Find(limit.Key, limit.Path));
            if (entry.Hits is { } hits) descriptor.HitsAddend = hits;
            else if (entry.HitsFormat is { } format && ulong.TryParse(Text(format, exchange), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) descriptor.HitsAddend = number;
            descriptors.Add(descriptor);
        }
    }

    private static Entry Compile(RateLimit limit, string path)
    {
        if (limit.Stage is > 10) throw new ConfigRefusedException(path + ".stage", "is more than 10");
        if (limit.DisableKey.Length > 0) throw new ConfigRefusedException(path + ".disable_key", "is not supported");
        if (limit.ApplyOnStreamDone) throw new ConfigRefusedException(path + ".apply_on_stream_done", "is not supported");
        if (limit.XRatelimitOption != RateLimit.Types.XRateLimitOption.Unspecified) throw new ConfigRefusedException(path + ".x_ratelimit_option", "is not supported");
        if (limit.Actions.Count == 0) throw new ConfigRefusedException(path + ".actions", "are missing");
        return new Entry(
            limit.Stage ?? 0, [.. limit.Actions.Select((action, i) => Compile(action, $"{path}.actions[{i}]"))],
            limit.Limit?.DynamicMetadata?.MetadataKey is { } key ? Place(key) : null, limit.HitsAddend?.Number,
            limit.HitsAddend?.Format is { Length: > 0 } format ? FormatString.Compile(format, path + ".hits_addend.format") : null);
    }

    private static Describer Compile(Action action, string path)
    {
        switch (action.ActionSpecifierCase)
        {
            case Action.ActionSpecifierOneofCase.SourceCluster:
                return (exchange, descriptor) => Add(descriptor, "source_cluster", exchange.Context.Node.Cluster);
            case Action.ActionSpecifierOneofCase.DestinationCluster:
                return (exchange, descriptor) => Add(descriptor, "destination_cluster", exchange.ClusterName ?? "");
            case Action.ActionSpecifierOneofCase.RequestHeaders:
                var header = action.RequestHeaders;
                var name = Encoding.ASCII.GetBytes(header.HeaderName.ToLowerInvariant());
                return (exchange, descriptor) => exchange.Request.TryGet(name, out var value) ? Add(descriptor, header.DescriptorKey, Encoding.UTF8.GetString(value)) : header.SkipIfAbsent;
            case Action.ActionSpecifierOneofCase.QueryParameters:
                var query = action.QueryParameters;
                return (exchange, descriptor) => QueryMatch.Find(QueryMatch.QueryOf(exchange.Request[KnownHeader.Path]), Encoding.UTF8.GetBytes(query.QueryParameterName)) is { } value ? Add(descriptor, query.DescriptorKey, value) : query.SkipIfAbsent;
            case Action.ActionSpecifierOneofCase.RemoteAddress:
                return (exchange, descriptor) => exchange.Info.DownstreamRemote.Path is null && Add(descriptor, "remote_address", exchange.Info.DownstreamRemote.ToIpAddress().ToString());
            case Action.ActionSpecifierOneofCase.MaskedRemoteAddress:
                var (v4, v6) = ((int)(action.MaskedRemoteAddress.V4PrefixMaskLen ?? 32), (int)(action.MaskedRemoteAddress.V6PrefixMaskLen ?? 128));
                if (v4 > 32 || v6 > 128) throw new ConfigRefusedException(path + ".masked_remote_address", "a mask is longer than an address");
                return (exchange, descriptor) => exchange.Info.DownstreamRemote.Path is null && Add(descriptor, "masked_remote_address", Masked(exchange.Info.DownstreamRemote.ToIpAddress(), v4, v6));
            case Action.ActionSpecifierOneofCase.GenericKey:
                return Matched(action.GenericKey.DescriptorKey, "generic_key", action.GenericKey.DescriptorValue, action.GenericKey.DefaultValue, null, path + ".generic_key");
            case Action.ActionSpecifierOneofCase.HeaderValueMatch:
                var headers = action.HeaderValueMatch.Headers.Select((matcher, i) => new HeaderMatch(matcher, $"{path}.header_value_match.headers[{i}]")).ToArray();
                var headersWanted = action.HeaderValueMatch.ExpectMatch ?? true;
                return Matched(
                    action.HeaderValueMatch.DescriptorKey, "header_match", action.HeaderValueMatch.DescriptorValue, action.HeaderValueMatch.DefaultValue,
                    exchange => Array.TrueForAll(headers, matcher => matcher.IsMatch(exchange.Request)) == headersWanted, path + ".header_value_match");
            case Action.ActionSpecifierOneofCase.QueryParameterValueMatch:
                var parameters = action.QueryParameterValueMatch.QueryParameters.Select((matcher, i) => RouteCompiler.Query(matcher, $"{path}.query_parameter_value_match.query_parameters[{i}]")).ToArray();
                var parametersWanted = action.QueryParameterValueMatch.ExpectMatch ?? true;
                return Matched(
                    action.QueryParameterValueMatch.DescriptorKey, "query_match", action.QueryParameterValueMatch.DescriptorValue, action.QueryParameterValueMatch.DefaultValue,
                    exchange => Array.TrueForAll(parameters, matcher => matcher.IsMatch(QueryMatch.QueryOf(exchange.Request[KnownHeader.Path]))) == parametersWanted, path + ".query_parameter_value_match");
#pragma warning disable CS0612 // The older form of metadata.
            case Action.ActionSpecifierOneofCase.DynamicMetadata:
                var dynamic = action.DynamicMetadata;
                return FromMetadata(dynamic.DescriptorKey, Place(dynamic.MetadataKey), dynamic.DefaultValue, skip: false, fromRoute: false);
#pragma warning restore CS0612
            case Action.ActionSpecifierOneofCase.Metadata:
                var metadata = action.Metadata;
                return FromMetadata(metadata.DescriptorKey, Place(metadata.MetadataKey), metadata.DefaultValue, metadata.SkipIfAbsent, metadata.Source == Action.Types.MetaData.Types.Source.RouteEntry);
            default:
                throw new ConfigRefusedException(path, $"the action {action.ActionSpecifierCase} is not supported");
        }
    }

    private static Describer Matched(string key, string defaultKey, string value, string defaultValue, Func<HttpExchange, bool>? condition, string path)
    {
        var format = FormatString.Compile(value, path + ".descriptor_value");
        if (key.Length == 0) key = defaultKey;
        return (exchange, descriptor) =>
        {
            if (condition?.Invoke(exchange) == false) return false;
            var text = Text(format, exchange);
            return Add(descriptor, key, text.Length > 0 ? text : defaultValue);
        };
    }

    private static Describer FromMetadata(string key, (string Key, string[] Path) place, string defaultValue, bool skip, bool fromRoute) => (exchange, descriptor) =>
    {
        var found = !fromRoute ? exchange.Info.Metadata.Find(place.Key, place.Path)
            : exchange.Route?.Metadata?.FilterMetadata.GetValueOrDefault(place.Key) is { } fields ? DynamicMetadata.Walk(fields, place.Path) : null;
        if (found is { KindCase: Value.KindOneofCase.StringValue, StringValue.Length: > 0 }) return Add(descriptor, key, found.StringValue);
        return defaultValue.Length > 0 ? Add(descriptor, key, defaultValue) : skip;
    };

    private static bool Add(RateLimitDescriptor descriptor, string key, string value)
    {
        descriptor.Entries.Add(new RateLimitDescriptor.Types.Entry { Key = key, Value = value });
        return true;
    }

    private static (string Key, string[] Path) Place(MetadataKey key) => (key.Key, [.. key.Path.Select(segment => segment.Key)]);

    /// <summary>A limit that dynamic metadata says: requests_per_unit and unit.</summary>
    private static RateLimitDescriptor.Types.RateLimitOverride? Override(Value? value)
    {
        if (value is not { KindCase: Value.KindOneofCase.StructValue } || value.StructValue.Fields.GetValueOrDefault("requests_per_unit") is not { KindCase: Value.KindOneofCase.NumberValue } number) return null;
        return value.StructValue.Fields.GetValueOrDefault("unit") is { KindCase: Value.KindOneofCase.StringValue } unit && System.Enum.TryParse<RateLimitUnit>(unit.StringValue, ignoreCase: true, out var parsed)
            ? new RateLimitDescriptor.Types.RateLimitOverride { RequestsPerUnit = (uint)Math.Clamp(number.NumberValue, 0, uint.MaxValue), Unit = parsed }
            : null;
    }

    private static string Masked(IPAddress address, int v4, int v6)
    {
        var bytes = address.GetAddressBytes();
        var length = bytes.Length == 4 ? v4 : v6;
        for (var bit = length; bit < bytes.Length * 8; bit++) bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return string.Create(CultureInfo.InvariantCulture, $"{new IPAddress(bytes)}/{length}");
    }

    private static string Text(FormatString format, HttpExchange exchange)
    {
        exchange.Scratch.Clear();
        format.Write(exchange.Scratch, exchange.Format, default);
        return Encoding.UTF8.GetString(exchange.Scratch.Span);
    }

    /// <summary>Adds what one action says; false drops the whole descriptor.</summary>
    private delegate bool Describer(HttpExchange exchange, RateLimitDescriptor descriptor);

    private sealed record Entry(uint Stage, Describer[] Actions, (string Key, string[] Path)? Limit, ulong? Hits, FormatString? HitsFormat);
}
