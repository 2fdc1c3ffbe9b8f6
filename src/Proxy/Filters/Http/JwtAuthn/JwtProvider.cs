using System.Text;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;
using ProviderConfig = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtProvider;

namespace Lateen.Proxy.Filters.Http.JwtAuthn;

/// <summary>An issuer, what its tokens must have, where they are found and what is made of them. Immutable. Source: envoy.extensions.filters.http.jwt_authn.v3.JwtProvider.</summary>
internal sealed class JwtProvider
{
    private const long DefaultSkewSeconds = 60;
    private readonly ProviderConfig _config;
    private readonly HashSet<string> _audiences;
    private readonly StringMatch? _subjects;
    private readonly long _skew;
    private readonly long? _maxLifetime;

    public JwtProvider(string name, ProviderConfig config, string path, JwtStats stats)
    {
        (Name, _config) = (name, config);
        _audiences = Audiences(config.Audiences);
        _subjects = config.Subjects is { } subjects ? StringMatch.From(subjects, path + ".subjects") : null;
        _skew = config.ClockSkewSeconds == 0 ? DefaultSkewSeconds : config.ClockSkewSeconds;
        _maxLifetime = config.MaxLifetime?.Seconds;
        Tokens = new TokenPlaces(config);
        Effects = new TokenEffects(config);
        Cache = new TokenCache((int)(config.JwtCacheConfig?.JwtCacheSize ?? 0), (int)(config.JwtCacheConfig?.JwtMaxTokenSize ?? 0));
        Keys = config.JwksSourceSpecifierCase switch
        {
            ProviderConfig.JwksSourceSpecifierOneofCase.LocalJwks => new LocalKeys(
                JsonWebKeys.Parse(Sources.Read(config.LocalJwks, path + ".local_jwks")) ?? throw new ConfigRefusedException(path + ".local_jwks", "holds no key that can be used")),
            ProviderConfig.JwksSourceSpecifierOneofCase.RemoteJwks => new RemoteKeys(config.RemoteJwks, path + ".remote_jwks", stats),
            _ => throw new ConfigRefusedException(path + ".jwks_source_specifier", "is missing"),
        };
    }

    public string Name { get; }

    /// <summary>Empty for any.</summary>
    public string Issuer => _config.Issuer;

    public TokenPlaces Tokens { get; }

    public TokenEffects Effects { get; }

    /// <summary>Tokens whose signature was checked.</summary>
    public TokenCache Cache { get; }

    public IKeySource Keys { get; }

    /// <summary>Checks everything but the signature; audiences that are given take the place of the provider's own.</summary>
    public JwtStatus CheckClaims(JsonWebToken token, HashSet<string>? audiences, DateTime utcNow)
    {
        if (Issuer.Length > 0 && token.Issuer != Issuer) return JwtStatus.UnknownIssuer;
        var now = new DateTimeOffset(utcNow).ToUnixTimeSeconds();
        if (token.NotBefore is { } from && now + _skew < from) return JwtStatus.NotYetValid;
        if (token.Expires is { } until && now > until + _skew) return JwtStatus.Expired;
        if (_config.RequireExpiration && token.Expires is null) return JwtStatus.NoExpiry;
        if (_maxLifetime is { } longest && (token.Expires is null || token.Expires - (token.IssuedAt ?? token.NotBefore ?? now) > longest)) return JwtStatus.LifetimeTooLong;
        if (_subjects is not null && !_subjects.IsMatch(token.Subject)) return JwtStatus.SubjectNotAllowed;
        var allowed = audiences ?? _audiences;
        return allowed.Count == 0 || token.Audiences.Any(audience => allowed.Contains(Bare(audience))) ? JwtStatus.Ok : JwtStatus.AudienceNotAllowed;
    }

    public static HashSet<string> Audiences(IEnumerable<string> audiences) => audiences.Select(Bare).ToHashSet(StringComparer.Ordinal);

    /// <summary>Scheme and a slash at the end do not count. parity: jwt_verify_lib, sanitizeAudience.</summary>
    private static string Bare(string audience)
    {
        foreach (var scheme in (ReadOnlySpan<string>)["http://", "https://"])
            if (audience.StartsWith(scheme, StringComparison.Ordinal))
            {
                audience = audience[scheme.Length..];
                break;
            }
        return audience.EndsWith('/') ? audience[..^1] : audience;
    }
}

/// <summary>Data of the configuration, read when it is compiled.</summary>
internal static class Sources
{
    public static byte[] Read(Envoy.Config.Core.V3.DataSource source, string path) => source.SpecifierCase switch
    {
        Envoy.Config.Core.V3.DataSource.SpecifierOneofCase.InlineString => Encoding.UTF8.GetBytes(source.InlineString),
        Envoy.Config.Core.V3.DataSource.SpecifierOneofCase.InlineBytes => source.InlineBytes.ToByteArray(),
        Envoy.Config.Core.V3.DataSource.SpecifierOneofCase.Filename => ReadFile(source.Filename, path),
        Envoy.Config.Core.V3.DataSource.SpecifierOneofCase.EnvironmentVariable when Environment.GetEnvironmentVariable(source.EnvironmentVariable) is { } value => Encoding.UTF8.GetBytes(value),
        var other => throw new ConfigRefusedException(path, $"the source {other} has nothing"),
    };

    private static byte[] ReadFile(string name, string path)
    {
        try
        {
            return File.ReadAllBytes(name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigRefusedException(path + ".filename", e.Message);
        }
    }
}
