using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Filters.Http.JwtAuthn;

/// <summary>
/// Tokens whose signature was found good, so that it is not checked for every request: for each worker as many as the provider says (jwt_cache_config), else some hundred; 0 stands for that. What a token
/// says of times and audiences is looked at each time. Each worker has a part of its own.
/// </summary>
internal sealed class TokenCache(int mostTokens, int longestToken)
{
    private const int UsualTokens = 256, UsualLength = 4096;
    private readonly int _most = mostTokens > 0 ? mostTokens : UsualTokens, _longest = longestToken > 0 ? longestToken : UsualLength;
    private readonly Lock _growing = new();
    private Part?[] _parts = [];

    /// <summary>The token, if these keys were found to have signed it.</summary>
    public JsonWebToken? Find(Worker worker, string text, JsonWebKeys? keys)
    {
        if (PartOf(worker) is not { } part) return null;
        if (!part.Young.TryGetValue(text, out var entry) && !part.Old.TryGetValue(text, out entry)) return null;
        return keys is null || ReferenceEquals(entry.Keys, keys) ? entry.Token : null;
    }

    public void Keep(Worker worker, JsonWebToken token, JsonWebKeys keys)
    {
        if (token.Text.Length > _longest) return;
        var part = PartOf(worker) ?? Add(worker);
        // Two generations: what was not used while the young one filled up is forgotten.
        if (part.Young.Count >= (_most + 1) / 2) (part.Old, part.Young) = (part.Young, new Dictionary<string, (JsonWebToken, JsonWebKeys)>(StringComparer.Ordinal));
        part.Young[token.Text] = (token, keys);
    }

    private Part? PartOf(Worker worker) => Volatile.Read(ref _parts) is var parts && worker.Index < parts.Length ? parts[worker.Index] : null;

    private Part Add(Worker worker)
    {
        lock (_growing)
        {
            if (_parts.Length <= worker.Index)
            {
                var more = new Part?[worker.Index + 1];
                _parts.CopyTo(more, 0);
                Volatile.Write(ref _parts, more);
            }
            return _parts[worker.Index] ??= new Part();
        }
    }

    /// <summary>Owned by one worker.</summary>
    private sealed class Part
    {
        public Dictionary<string, (JsonWebToken Token, JsonWebKeys Keys)> Young { get; set; } = new(StringComparer.Ordinal);

        public Dictionary<string, (JsonWebToken Token, JsonWebKeys Keys)> Old { get; set; } = new(StringComparer.Ordinal);
    }
}
