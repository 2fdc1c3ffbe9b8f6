using System.Text;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;
using Percent = Lateen.Proxy.Compile.Percent;

namespace Lateen.Proxy.Filters.Http.ExtAuthz;

/// <summary>The service that is asked, what it is told and what its answers may change. Percent from 0 to 100. Immutable.</summary>
internal sealed record ExtAuthzSettings
{
    private const long DefaultTimeoutMs = 200;

    public required string Cluster { get; init; }

    public required byte[] PathPrefix { get; init; }

    public required ExtAuthzStats Stats { get; init; }

    public long TimeoutMs { get; init; }

    public double EnabledPercent { get; init; } = 100;

    public bool FailureModeAllow { get; init; }

    public bool FailureModeAllowHeader { get; init; }

    public int StatusOnError { get; init; } = 403;

    public bool ClearRouteCache { get; init; }

    public required NameList AllowedHeaders { get; init; }

    public required NameList DisallowedHeaders { get; init; }

    public required (byte[] Name, byte[] Value)[] HeadersToAdd { get; init; }

    public required NameList UpstreamHeaders { get; init; }

    public required NameList UpstreamHeadersToAppend { get; init; }

    /// <summary>Headers of a denial that reach the client; null for all.</summary>
    public required NameList? ClientHeaders { get; init; }

    public required NameList ClientHeadersOnSuccess { get; init; }

    public required NameList MetadataHeaders { get; init; }

    public static ExtAuthzSettings Compile(Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthz config, string path, FilterContext context)
    {
        Refuse(config, path);
        var service = config.HttpService;
        var at = path + ".http_service";
        if (service.ServerUri is not { Cluster.Length: > 0 } uri) throw new ConfigRefusedException(at + ".server_uri", "names no cluster");
        if (service.RetryPolicy is not null) throw new ConfigRefusedException(at + ".retry_policy", "is not supported");
        var (request, response) = (service.AuthorizationRequest, service.AuthorizationResponse);
#pragma warning disable CS0612 // The older place of the list is what Istio sends.
        var allowed = config.AllowedHeaders ?? request?.AllowedHeaders;
#pragma warning restore CS0612
        return new ExtAuthzSettings
        {
            Cluster = uri.Cluster,
            PathPrefix = Encoding.ASCII.GetBytes(service.PathPrefix),
            Stats = context.Stats.Group($"{context.StatPrefix}ext_authz.{(config.StatPrefix.Length > 0 ? config.StatPrefix + "." : "")}", ExtAuthzStats.Create),
            TimeoutMs = Durations.Ms(uri.Timeout) ?? DefaultTimeoutMs,
            EnabledPercent = config.FilterEnabled?.DefaultValue is { } enabled ? Percent.Of(enabled) : 100,
            FailureModeAllow = config.FailureModeAllow,
            FailureModeAllowHeader = config.FailureModeAllowHeaderAdd,
            StatusOnError = config.StatusOnError is { } status ? (int)status.Code : 403,
            ClearRouteCache = config.ClearRouteCache,
            AllowedHeaders = NameList.Of(allowed, path + ".allowed_headers"),
            DisallowedHeaders = NameList.Of(config.DisallowedHeaders, path + ".disallowed_headers"),
            HeadersToAdd = [.. request?.HeadersToAdd.Select(header => (Encoding.ASCII.GetBytes(header.Key.ToLowerInvariant()), Encoding.UTF8.GetBytes(header.Value))) ?? []],
            UpstreamHeaders = NameList.Of(response?.AllowedUpstreamHeaders, at + ".authorization_response.allowed_upstream_headers"),
            UpstreamHeadersToAppend = NameList.Of(response?.AllowedUpstreamHeadersToAppend, at + ".authorization_response.allowed_upstream_headers_to_append"),
            ClientHeaders = response?.AllowedClientHeaders is { Patterns.Count: > 0 } client ? NameList.Of(client, at + ".authorization_response.allowed_client_headers") : null,
            ClientHeadersOnSuccess = NameList.Of(response?.AllowedClientHeadersOnSuccess, at + ".authorization_response.allowed_client_headers_on_success"),
            MetadataHeaders = NameList.Of(response?.DynamicMetadataFromHeaders, at + ".authorization_response.dynamic_metadata_from_headers"),
        };
    }

    private static void Refuse(Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthz config, string path)
    {
        if (config.ServicesCase != Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthz.ServicesOneofCase.HttpService)
            throw new ConfigRefusedException(path + (config.GrpcService is null ? ".services" : ".grpc_service"), "only http_service is supported");
        if (config.WithRequestBody is not null) throw new ConfigRefusedException(path + ".with_request_body", "is not supported");
        if (config.DenyAtDisable is not null) throw new ConfigRefusedException(path + ".deny_at_disable", "is not supported");
        if (config.FilterEnabledMetadata is not null) throw new ConfigRefusedException(path + ".filter_enabled_metadata", "is not supported");
        if (config.DecoderHeaderMutationRules is not null) throw new ConfigRefusedException(path + ".decoder_header_mutation_rules", "is not supported");
        if (config.FilterMetadata is not null) throw new ConfigRefusedException(path + ".filter_metadata", "is not supported");
    }
}

/// <summary>Names of headers that are meant. Immutable. Source: envoy.type.matcher.v3.ListStringMatcher.</summary>
internal sealed class NameList(StringMatch[] patterns)
{
    public static NameList Of(ListStringMatcher? list, string path) => new([.. list?.Patterns.Select((pattern, i) => StringMatch.From(pattern, $"{path}.patterns[{i}]")) ?? []]);

    public bool IsMatch(ReadOnlySpan<byte> name)
    {
        foreach (var pattern in patterns)
            if (pattern.IsMatch(name))
                return true;
        return false;
    }
}
