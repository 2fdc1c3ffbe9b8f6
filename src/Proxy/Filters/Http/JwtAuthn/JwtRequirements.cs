using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.Filters.Http.JwtAuthn;

/// <summary>What a request must bring. Immutable. Source: envoy.extensions.filters.http.jwt_authn.v3.JwtRequirement; Envoy, jwt_authn/verifier.cc.</summary>
internal abstract class JwtRequirementCheck
{
    public abstract ValueTask<JwtStatus> VerifyAsync(HttpExchange exchange, JwtStats stats);

    public static JwtRequirementCheck Compile(JwtRequirement requirement, IReadOnlyDictionary<string, JwtProvider> providers, string path)
    {
        switch (requirement.RequiresTypeCase)
        {
            case JwtRequirement.RequiresTypeOneofCase.ProviderName:
                return new ProviderCheck(Provider(requirement.ProviderName, providers, path + ".provider_name"), null);
            case JwtRequirement.RequiresTypeOneofCase.ProviderAndAudiences:
                var given = requirement.ProviderAndAudiences;
                return new ProviderCheck(Provider(given.ProviderName, providers, path + ".provider_and_audiences.provider_name"), JwtProvider.Audiences(given.Audiences));
            case JwtRequirement.RequiresTypeOneofCase.RequiresAny:
                var choices = requirement.RequiresAny.Requirements;
                var allowed = choices.Any(choice => choice.RequiresTypeCase == JwtRequirement.RequiresTypeOneofCase.AllowMissingOrFailed) ? Tolerance.MissingOrFailed
                    : choices.Any(choice => choice.RequiresTypeCase == JwtRequirement.RequiresTypeOneofCase.AllowMissing) ? Tolerance.Missing
                    : Tolerance.None;
                return new AnyCheck(
                    [
                        .. choices.Select((choice, i) => (choice, i))
                            .Where(pair => pair.choice.RequiresTypeCase is not (JwtRequirement.RequiresTypeOneofCase.AllowMissing or JwtRequirement.RequiresTypeOneofCase.AllowMissingOrFailed))
                            .Select(pair => Compile(pair.choice, providers, $"{path}.requires_any.requirements[{pair.i}]")),
                    ],
                    allowed);
            case JwtRequirement.RequiresTypeOneofCase.RequiresAll:
                return new AllCheck([.. requirement.RequiresAll.Requirements.Select((one, i) => Compile(one, providers, $"{path}.requires_all.requirements[{i}]"))]);
            case JwtRequirement.RequiresTypeOneofCase.AllowMissing:
                return new OpenCheck([.. providers.Values], Tolerance.Missing);
            case JwtRequirement.RequiresTypeOneofCase.AllowMissingOrFailed:
                return new OpenCheck([.. providers.Values], Tolerance.MissingOrFailed);
            case JwtRequirement.RequiresTypeOneofCase.ExtractOnlyWithoutValidation:
                throw new ConfigRefusedException(path + ".extract_only_without_validation", "is not supported: claims that nobody vouches for are not passed on");
            default:
                throw new ConfigRefusedException(path, "has no requirement");
        }
    }

    private static JwtProvider Provider(string name, IReadOnlyDictionary<string, JwtProvider> providers, string path) =>
        providers.GetValueOrDefault(name) ?? throw new ConfigRefusedException(path, $"there is no provider {name}");

    /// <summary>What may be wrong all the same.</summary>
    private enum Tolerance
    {
        None,
        Missing,
        MissingOrFailed,
    }

    /// <summary>All tokens at the provider's places must be good ones of it.</summary>
    private sealed class ProviderCheck(JwtProvider provider, HashSet<string>? audiences) : JwtRequirementCheck
    {
        public override async ValueTask<JwtStatus> VerifyAsync(HttpExchange exchange, JwtStats stats)
        {
            var found = new List<FoundToken>();
            provider.Tokens.Find(exchange.Request, found);
            if (found.Count == 0) return JwtStatus.Missing;
            foreach (var token in found)
                if (await TokenCheck.RunAsync(exchange, stats, provider, token, audiences) is var status and not JwtStatus.Ok)
                    return status;
            return JwtStatus.Ok;
        }
    }

    /// <summary>Tokens of any provider are looked at, but there need not be one.</summary>
    private sealed class OpenCheck(JwtProvider[] providers, Tolerance tolerance) : JwtRequirementCheck
    {
        public override async ValueTask<JwtStatus> VerifyAsync(HttpExchange exchange, JwtStats stats)
        {
            var seen = new Dictionary<string, (FoundToken Token, List<JwtProvider> Of)>(StringComparer.Ordinal);
            foreach (var provider in providers)
            {
                var found = new List<FoundToken>();
                provider.Tokens.Find(exchange.Request, found);
                foreach (var token in found)
                    if (seen.TryGetValue(token.Text, out var known)) known.Of.Add(provider);
                    else seen[token.Text] = (token, [provider]);
            }
            foreach (var (token, owners) in seen.Values)
            {
                var status = JwtStatus.UnknownIssuer;
                foreach (var provider in owners)
                {
                    status = await TokenCheck.RunAsync(exchange, stats, provider, token, null);
                    if (status != JwtStatus.UnknownIssuer) break;
                }
                if (status != JwtStatus.Ok && tolerance != Tolerance.MissingOrFailed) return status;
            }
            return JwtStatus.Ok;
        }
    }

    /// <summary>The first that is met is enough; of the failures the one that tells most is given.</summary>
    private sealed class AnyCheck(JwtRequirementCheck[] choices, Tolerance tolerance) : JwtRequirementCheck
    {
        public override async ValueTask<JwtStatus> VerifyAsync(HttpExchange exchange, JwtStats stats)
        {
            var worst = JwtStatus.Missing;
            foreach (var choice in choices)
            {
                var status = await choice.VerifyAsync(exchange, stats);
                if (status == JwtStatus.Ok) return JwtStatus.Ok;
                if (status is not (JwtStatus.Missing or JwtStatus.UnknownIssuer) || worst == JwtStatus.Missing) worst = status;
            }
            return tolerance == Tolerance.MissingOrFailed || tolerance == Tolerance.Missing && worst == JwtStatus.Missing ? JwtStatus.Ok : worst;
        }
    }

    private sealed class AllCheck(JwtRequirementCheck[] all) : JwtRequirementCheck
    {
        public override async ValueTask<JwtStatus> VerifyAsync(HttpExchange exchange, JwtStats stats)
        {
            foreach (var one in all)
                if (await one.VerifyAsync(exchange, stats) is var status and not JwtStatus.Ok)
                    return status;
            return JwtStatus.Ok;
        }
    }
}

/// <summary>One token from its text to its effects.</summary>
internal static class TokenCheck
{
    public static async ValueTask<JwtStatus> RunAsync(HttpExchange exchange, JwtStats stats, JwtProvider provider, FoundToken found, HashSet<string>? audiences)
    {
        var (status, token) = await VerifyAsync(exchange, stats, provider, found, audiences);
        if (status == JwtStatus.Ok) provider.Effects.Apply(exchange, token!, found);
        else provider.Effects.Failed(exchange, status);
        return status;
    }

    private static async ValueTask<(JwtStatus Status, JsonWebToken? Token)> VerifyAsync(HttpExchange exchange, JwtStats stats, JwtProvider provider, FoundToken found, HashSet<string>? audiences)
    {
        var worker = exchange.Worker;
        var known = provider.Cache.Find(worker, found.Text, null);
        if (known is null && JsonWebToken.Parse(found.Text, out known) is var parsed and not JwtStatus.Ok) return (parsed, null);
        if (provider.CheckClaims(known!, audiences, worker.UtcNow) is var claims and not JwtStatus.Ok) return (claims, null);
        if (await provider.Keys.GetAsync(exchange.Context, worker) is not { } keys) return (JwtStatus.KeysNotThere, null);
        if (provider.Cache.Find(worker, found.Text, keys) is { } good)
        {
            stats.Add(worker, JwtStats.CacheHit);
            return (JwtStatus.Ok, good);
        }
        stats.Add(worker, JwtStats.CacheMiss);
        var status = SignatureCheck.Verify(known!, keys);
        if (status == JwtStatus.Ok) provider.Cache.Keep(worker, known!, keys);
        return (status, known);
    }
}
