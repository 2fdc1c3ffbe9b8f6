using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Upstream.Grpc;

namespace Lateen.Proxy.Filters.Http.ExtAuthz;

/// <summary>How much of a body is sent along.</summary>
internal sealed record BodyWish(long MostBytes, bool PartWillDo, bool AsBytes)
{
    public static BodyWish? Of(BufferSettings? settings, string path)
    {
        if (settings is null) return null;
        if (settings.MaxRequestBytes == 0) throw new ConfigRefusedException(path + ".max_request_bytes", "is 0");
        return new BodyWish(settings.MaxRequestBytes, settings.AllowPartialMessage, settings.PackAsBytes);
    }
}

/// <summary>What a route says to the filter. Immutable.</summary>
/// <param name="IsDisabled">The service is not asked.</param>
/// <param name="NoBody">The body is not sent along.</param>
/// <param name="Body">How the body is sent along; null for as the filter says.</param>
/// <param name="Service">Another service; null for the filter's.</param>
internal sealed record ExtAuthzRoute(bool IsDisabled, bool NoBody, BodyWish? Body, IAuthService? Service)
{
    private static readonly Dictionary<string, string> NoExtensions = [];

    private IReadOnlyDictionary<string, string> Own { get; init; } = NoExtensions;

    public static ExtAuthzRoute Compile(ExtAuthzPerRoute config, string path)
    {
        if (config.OverrideCase == ExtAuthzPerRoute.OverrideOneofCase.None) throw new ConfigRefusedException(path, "has no override");
        if (config.OverrideCase == ExtAuthzPerRoute.OverrideOneofCase.Disabled)
            return config.Disabled ? new ExtAuthzRoute(true, false, null, null) : throw new ConfigRefusedException(path + ".disabled", "may only be true");
        var settings = config.CheckSettings;
        var at = path + ".check_settings";
        if (settings.DisableRequestBodyBuffering && settings.WithRequestBody is not null) throw new ConfigRefusedException(at + ".with_request_body", "contradicts disable_request_body_buffering");
        IAuthService? service = settings.ServiceOverrideCase switch
        {
            // differs: what the filter says of metadata, certificates and headers is for its own service; another one is told the usual.
            CheckSettings.ServiceOverrideOneofCase.GrpcService => new GrpcAuthService(GrpcTarget.Compile(settings.GrpcService, at + ".grpc_service"), new CheckSettingsSnapshot()),
            CheckSettings.ServiceOverrideOneofCase.HttpService => new HttpAuthService(settings.HttpService, null, null, at + ".http_service"),
            _ => null,
        };
        return new ExtAuthzRoute(false, settings.DisableRequestBodyBuffering, BodyWish.Of(settings.WithRequestBody, at + ".with_request_body"), service) { Own = settings.ContextExtensions.ToDictionary() };
    }

    /// <summary>The context extensions of a route and of all levels around it; the narrower wins.</summary>
    public static IReadOnlyDictionary<string, string> Extensions(RouteFilterConfig? config)
    {
        if (config is null) return NoExtensions;
        var wider = Extensions(config.Wider);
        if (config.Config is not ExtAuthzRoute { Own.Count: > 0 } route) return wider;
        if (wider.Count == 0) return route.Own;
        var all = wider.ToDictionary();
        foreach (var (key, value) in route.Own) all[key] = value;
        return all;
    }
}
