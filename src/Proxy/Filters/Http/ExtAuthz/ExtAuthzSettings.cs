using Envoy.Config.Core.V3;
using Envoy.Type.Matcher.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Upstream.Grpc;
using ExtAuthzConfig = Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthz;
using Percent = Lateen.Proxy.Compile.Percent;

namespace Lateen.Proxy.Filters.Http.ExtAuthz;

/// <summary>The service that is asked and what its answers may change. Percent from 0 to 100. Immutable.</summary>
internal sealed record ExtAuthzSettings
{
    public required IAuthService Service { get; init; }

    public required ExtAuthzStats Stats { get; init; }

    public double EnabledPercent { get; init; } = 100;

    /// <summary>Only streams with this metadata are asked about; null for all.</summary>
    public MetadataMatch? EnabledMetadata { get; init; }

    /// <summary>What is not asked about is denied.</summary>
    public bool DenyAtDisable { get; init; }

    public bool FailureModeAllow { get; init; }

    public bool FailureModeAllowHeader { get; init; }

    public int StatusOnError { get; init; } = 403;

    public bool ClearRouteCache { get; init; }

    /// <summary>An answer with a header that cannot be is an error, rather than taken without it.</summary>
    public bool ValidateMutations { get; init; }

    /// <summary>Which of the request's headers may be changed; null for all.</summary>
    public MutationRules? Rules { get; init; }

    public bool TakesMetadata { get; init; } = true;

    /// <summary>Denials count among the answers of the cluster that the request was for.</summary>
    public bool ChargesCluster { get; init; } = true;

    /// <summary>Bytes of a denial's body that reach the client; 0 for all.</summary>
    public int MostDeniedBytes { get; init; }

    /// <summary>The body that is sent along; null for none.</summary>
    public BodyWish? Body { get; init; }

    public static ExtAuthzSettings Compile(ExtAuthzConfig config, string path, FilterContext context)
    {
        Refuse(config, path);
        IAuthService service = config.ServicesCase switch
        {
            ExtAuthzConfig.ServicesOneofCase.HttpService => new HttpAuthService(config.HttpService, config.AllowedHeaders, config.DisallowedHeaders, path + ".http_service"),
            ExtAuthzConfig.ServicesOneofCase.GrpcService => new GrpcAuthService(GrpcTarget.Compile(config.GrpcService, path + ".grpc_service"), Told(config, path, context)),
            _ => throw new ConfigRefusedException(path + ".services", "is missing"),
        };
        return new ExtAuthzSettings
        {
            Service = service,
            Stats = context.Stats.Group($"{context.StatPrefix}ext_authz.{(config.StatPrefix.Length > 0 ? config.StatPrefix + "." : "")}", ExtAuthzStats.Create),
            EnabledPercent = config.FilterEnabled?.DefaultValue is { } enabled ? Percent.Of(enabled) : 100,
            EnabledMetadata = config.FilterEnabledMetadata is { } matcher ? new MetadataMatch(matcher, path + ".filter_enabled_metadata") : null,
            DenyAtDisable = config.DenyAtDisable?.DefaultValue is true,
            FailureModeAllow = config.FailureModeAllow,
            FailureModeAllowHeader = config.FailureModeAllowHeaderAdd,
            StatusOnError = config.StatusOnError is { } status ? (int)status.Code : 403,
            ClearRouteCache = config.ClearRouteCache,
            ValidateMutations = config.ValidateMutations,
            Rules = config.DecoderHeaderMutationRules is { } rules ? new MutationRules(rules, path + ".decoder_header_mutation_rules") : null,
            TakesMetadata = config.EnableDynamicMetadataIngestion is not false,
            ChargesCluster = config.ChargeClusterResponseStats is not false,
            MostDeniedBytes = (int)config.MaxDeniedResponseBodyBytes,
            Body = BodyWish.Of(config.WithRequestBody, path + ".with_request_body"),
        };
    }

    private static CheckSettingsSnapshot Told(ExtAuthzConfig config, string path, FilterContext context) => new()
    {
        MetadataNamespaces = [.. config.MetadataContextNamespaces],
        RouteMetadataNamespaces = [.. config.RouteMetadataContextNamespaces],
        IncludeCertificate = config.IncludePeerCertificate,
        IncludeTlsSession = config.IncludeTlsSession,
        RawHeaders = config.EncodeRawHeaders,
        Allowed = config.AllowedHeaders is { Patterns.Count: > 0 } allowed ? NameList.Of(allowed, path + ".allowed_headers") : null,
        Disallowed = NameList.Of(config.DisallowedHeaders, path + ".disallowed_headers"),
        Labels = LabelsOf(context.Node, config.BootstrapMetadataLabelsKey),
    };

    /// <summary>The texts of a structure in the node's metadata.</summary>
    public static Dictionary<string, string> LabelsOf(Node node, string key)
    {
        var labels = new Dictionary<string, string>();
        if (key.Length > 0 && node.Metadata?.Fields.GetValueOrDefault(key) is { KindCase: Value.KindOneofCase.StructValue } fields)
            foreach (var (name, value) in fields.StructValue.Fields)
                if (value.KindCase == Value.KindOneofCase.StringValue)
                    labels[name] = value.StringValue;
        return labels;
    }

    private static void Refuse(ExtAuthzConfig config, string path)
    {
        if (config.FilterMetadata is not null) throw new ConfigRefusedException(path + ".filter_metadata", "is not supported");
        if (config.EmitFilterStateStats) throw new ConfigRefusedException(path + ".emit_filter_state_stats", "is not supported");
        if (config.EnforceResponseHeaderLimits) throw new ConfigRefusedException(path + ".enforce_response_header_limits", "is not supported");
        if (config.TypedMetadataContextNamespaces.Count > 0) throw new ConfigRefusedException(path + ".typed_metadata_context_namespaces", "are not supported");
        if (config.RouteTypedMetadataContextNamespaces.Count > 0) throw new ConfigRefusedException(path + ".route_typed_metadata_context_namespaces", "are not supported");
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
