using Envoy.Extensions.Filters.Http.ExtProc.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Http.ExtAuthz;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Grpc;
using BodyMode = Envoy.Extensions.Filters.Http.ExtProc.V3.ProcessingMode.Types.BodySendMode;
using HeaderMode = Envoy.Extensions.Filters.Http.ExtProc.V3.ProcessingMode.Types.HeaderSendMode;

namespace Lateen.Proxy.Filters.Http.ExtProc;

/// <summary>The parts of a stream that a processor sees. Immutable.</summary>
internal sealed record ProcessedParts(bool RequestHeaders, BodyMode RequestBody, bool RequestTrailers, bool ResponseHeaders, BodyMode ResponseBody, bool ResponseTrailers)
{
    /// <summary>Heads, and nothing else.</summary>
    public static readonly ProcessedParts Usual = new(true, BodyMode.None, false, true, BodyMode.None, false);

    public static ProcessedParts Of(ProcessingMode? mode, string path) => mode is null ? Usual : new ProcessedParts(
        mode.RequestHeaderMode != HeaderMode.Skip, Supported(mode.RequestBodyMode, path + ".request_body_mode"), mode.RequestTrailerMode == HeaderMode.Send,
        mode.ResponseHeaderMode != HeaderMode.Skip, Supported(mode.ResponseBodyMode, path + ".response_body_mode"), mode.ResponseTrailerMode == HeaderMode.Send);

    /// <summary>What a processor asks for while a stream runs; null when that is not supported. The request's head is past by then.</summary>
    public ProcessedParts? With(ProcessingMode mode) => IsSupported(mode.RequestBodyMode) && IsSupported(mode.ResponseBodyMode) ? new ProcessedParts(
        RequestHeaders, mode.RequestBodyMode, mode.RequestTrailerMode == HeaderMode.Send || mode.RequestTrailerMode == HeaderMode.Default && RequestTrailers,
        mode.ResponseHeaderMode == HeaderMode.Send || mode.ResponseHeaderMode == HeaderMode.Default && ResponseHeaders, mode.ResponseBodyMode,
        mode.ResponseTrailerMode == HeaderMode.Send || mode.ResponseTrailerMode == HeaderMode.Default && ResponseTrailers) : null;

    private static bool IsSupported(BodyMode mode) => mode is BodyMode.None or BodyMode.Streamed or BodyMode.Buffered or BodyMode.BufferedPartial;

    private static BodyMode Supported(BodyMode mode, string path) => IsSupported(mode) ? mode : throw new ConfigRefusedException(path, $"{mode} is not supported");
}

/// <summary>The processor that is called, and what it may do. Milliseconds. Immutable.</summary>
internal sealed record ExtProcSettings
{
    private const long DefaultTimeoutMs = 200;

    public required GrpcTarget Target { get; init; }

    public required ProcessedParts Parts { get; init; }

    public required ExtProcStats Stats { get; init; }

    public required MutationRules Rules { get; init; }

    public bool FailureModeAllow { get; init; }

    public int StatusOnError { get; init; } = 500;

    public long TimeoutMs { get; init; }

    /// <summary>Most that a processor may ask for by override_message_timeout; 0 for no such asking.</summary>
    public long MostTimeoutMs { get; init; }

    public bool MayChangeParts { get; init; }

    public bool MayAnswer { get; init; } = true;

    public RouteCache Cache { get; init; }

    /// <summary>Names of headers that are told; null for all.</summary>
    public NameList? Allowed { get; init; }

    public NameList Disallowed { get; init; } = NameList.Of(null, "");

    /// <summary>Namespaces of dynamic metadata that are told.</summary>
    public string[] ToldNamespaces { get; init; } = [];

    /// <summary>Namespaces that may be written.</summary>
    public string[] TakenNamespaces { get; init; } = [];

    public static ExtProcSettings Compile(ExternalProcessor config, string path, FilterContext context)
    {
        Refuse(config, path);
        return new ExtProcSettings
        {
            Target = GrpcTarget.Compile(config.GrpcService, path + ".grpc_service"),
            Parts = ProcessedParts.Of(config.ProcessingMode, path + ".processing_mode"),
            Stats = context.Stats.Group($"{context.StatPrefix}ext_proc.{(config.StatPrefix.Length > 0 ? config.StatPrefix + "." : "")}", ExtProcStats.Create),
            Rules = new MutationRules(config.MutationRules ?? new Envoy.Config.Common.MutationRules.V3.HeaderMutationRules(), path + ".mutation_rules"),
            FailureModeAllow = config.FailureModeAllow,
            StatusOnError = config.StatusOnError is { Code: > 0 } status ? (int)status.Code : 500,
            TimeoutMs = Durations.Ms(config.MessageTimeout) ?? DefaultTimeoutMs,
            MostTimeoutMs = Durations.Ms(config.MaxMessageTimeout) ?? 0,
            MayChangeParts = config.AllowModeOverride,
            MayAnswer = !config.DisableImmediateResponse,
            Cache = config.DisableClearRouteCache || config.RouteCacheAction == ExternalProcessor.Types.RouteCacheAction.Retain ? RouteCache.Keep
                : config.RouteCacheAction == ExternalProcessor.Types.RouteCacheAction.Clear ? RouteCache.Clear : RouteCache.AsAsked,
            Allowed = config.ForwardRules?.AllowedHeaders is { Patterns.Count: > 0 } allowed ? NameList.Of(allowed, path + ".forward_rules.allowed_headers") : null,
            Disallowed = NameList.Of(config.ForwardRules?.DisallowedHeaders, path + ".forward_rules.disallowed_headers"),
            ToldNamespaces = [.. config.MetadataOptions?.ForwardingNamespaces?.Untyped ?? []],
            TakenNamespaces = [.. config.MetadataOptions?.ReceivingNamespaces?.Untyped ?? []],
        };
    }

    private static void Refuse(ExternalProcessor config, string path)
    {
        void When(bool isSet, string field)
        {
            if (isSet) throw new ConfigRefusedException($"{path}.{field}", "is not supported");
        }
        When(config.HttpService is not null, "http_service");
        When(config.RequestAttributes.Count > 0, "request_attributes");
        When(config.ResponseAttributes.Count > 0, "response_attributes");
        When(config.FilterMetadata is not null, "filter_metadata");
        When(config.ObservabilityMode, "observability_mode");
        When(config.DeferredCloseTimeout is not null, "deferred_close_timeout");
        When(config.SendBodyWithoutWaitingForHeaderResponse, "send_body_without_waiting_for_header_response");
        When(config.AllowedOverrideModes.Count > 0, "allowed_override_modes");
        When(config.ProcessingRequestModifier is not null, "processing_request_modifier");
        When(config.OnProcessingResponse is not null, "on_processing_response");
        When(config.MetadataOptions?.ForwardingNamespaces?.Typed.Count > 0, "metadata_options.forwarding_namespaces.typed");
        When(config.MetadataOptions?.ReceivingNamespaces?.Typed.Count > 0, "metadata_options.receiving_namespaces.typed");
        When(config.MetadataOptions?.ClusterMetadataForwardingNamespaces is not null, "metadata_options.cluster_metadata_forwarding_namespaces");
    }
}

/// <summary>Whether the route is chosen anew after the request's headers were changed.</summary>
internal enum RouteCache
{
    AsAsked,
    Clear,
    Keep,
}

/// <summary>What a route says to the filter. Immutable.</summary>
internal sealed record ExtProcRoute(bool IsDisabled, ProcessedParts? Parts, GrpcTarget? Target, bool? FailureModeAllow)
{
    public static ExtProcRoute Compile(ExtProcPerRoute config, string path)
    {
        if (config.OverrideCase == ExtProcPerRoute.OverrideOneofCase.Disabled)
            return config.Disabled ? new ExtProcRoute(true, null, null, null) : throw new ConfigRefusedException(path + ".disabled", "may only be true");
        var at = path + ".overrides";
        var overrides = config.Overrides ?? throw new ConfigRefusedException(path, "has no override");
        if (overrides.RequestAttributes.Count > 0) throw new ConfigRefusedException(at + ".request_attributes", "are not supported");
        if (overrides.ResponseAttributes.Count > 0) throw new ConfigRefusedException(at + ".response_attributes", "are not supported");
        if (overrides.MetadataOptions is not null) throw new ConfigRefusedException(at + ".metadata_options", "is not supported");
        if (overrides.GrpcInitialMetadata.Count > 0) throw new ConfigRefusedException(at + ".grpc_initial_metadata", "is not supported");
        if (overrides.ProcessingRequestModifier is not null) throw new ConfigRefusedException(at + ".processing_request_modifier", "is not supported");
        return new ExtProcRoute(
            false, overrides.ProcessingMode is null ? null : ProcessedParts.Of(overrides.ProcessingMode, at + ".processing_mode"),
            overrides.GrpcService is null ? null : GrpcTarget.Compile(overrides.GrpcService, at + ".grpc_service"), overrides.FailureModeAllow);
    }
}

/// <summary>Statistics of the filter. Source: Envoy's "External Processing", statistics.</summary>
internal sealed class ExtProcStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int Started = 0, Sent = 1, Received = 2, Spurious = 3, Closed = 4, Failed = 5, FailureModeAllowed = 6, Timeouts = 7, RejectedMutations = 8, OverrideIgnored = 9, OverrideReceived = 10;

    private static readonly StatField[] All =
    [
        new("streams_started"), new("stream_msgs_sent"), new("stream_msgs_received"), new("spurious_msgs_received"), new("streams_closed"), new("streams_failed"), new("failure_mode_allowed"),
        new("message_timeouts"), new("rejected_header_mutations"), new("override_message_timeout_ignored"), new("override_message_timeout_received"),
    ];

    public static ExtProcStats Create(string prefix, int workers) => new(prefix, workers);
}
