using Envoy.Extensions.Filters.Http.StatefulSession.V3;
using Envoy.Extensions.Http.StatefulSession.Cookie.V3;
using Envoy.Extensions.Http.StatefulSession.Header.V3;
using Lateen.Proxy.Compile;
using Config = Envoy.Extensions.Filters.Http.StatefulSession.V3.StatefulSession;

namespace Lateen.Proxy.Filters.Http.StatefulSession;

/// <summary>How sessions are kept. Immutable.</summary>
/// <param name="State">Null for not at all.</param>
/// <param name="IsStrict">A host that cannot be used is not replaced by another.</param>
internal sealed record SessionSettings(ISessionState? State, bool IsStrict)
{
    public static SessionSettings Compile(Config config, string path)
    {
        if (config.StatPrefix.Length > 0) throw new ConfigRefusedException(path + ".stat_prefix", "is not supported");
        if (config.SessionState is null) return new SessionSettings(null, config.Strict);
        var at = path + ".session_state";
        if (config.SessionState.TypedConfig?.TryUnpack<CookieBasedSessionState>(out var cookie) == true) return new SessionSettings(new CookieSession(cookie.Cookie, at + ".typed_config.cookie"), config.Strict);
        if (config.SessionState.TypedConfig?.TryUnpack<HeaderBasedSessionState>(out var header) != true) throw new ConfigRefusedException(at, $"{config.SessionState.Name} ({config.SessionState.TypedConfig?.TypeUrl}) is not supported");
        if (header!.Name.Length == 0) throw new ConfigRefusedException(at + ".typed_config.name", "is empty");
        return new SessionSettings(new HeaderSession(header.Name), config.Strict);
    }
}

/// <summary>What a route says to the filter. Immutable.</summary>
internal sealed record SessionRoute(bool IsDisabled, SessionSettings? Settings)
{
    public static SessionRoute Compile(StatefulSessionPerRoute config, string path) => config.OverrideCase switch
    {
        StatefulSessionPerRoute.OverrideOneofCase.Disabled => config.Disabled ? new SessionRoute(true, null) : throw new ConfigRefusedException(path + ".disabled", "may only be true"),
        StatefulSessionPerRoute.OverrideOneofCase.StatefulSession => new SessionRoute(false, SessionSettings.Compile(config.StatefulSession, path + ".stateful_session")),
        _ => throw new ConfigRefusedException(path, "has no override"),
    };
}
