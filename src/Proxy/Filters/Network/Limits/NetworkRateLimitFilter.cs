using Envoy.Extensions.Filters.Network.LocalRatelimit.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Http.LocalRateLimit;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Filters.Network.Limits;

/// <summary>
/// Closes connections for which no token is left; all workers share the tokens. Immutable but for its bucket; any worker. Source: Envoy's
/// local rate limit filter for networks.
/// </summary>
internal sealed class NetworkRateLimitFilter(TokenBucket bucket, bool isOn, NetworkRateLimitStats stats) : INetworkFilter
{
    public static INetworkFilter Compile(LocalRateLimit config, string path, FilterContext context)
    {
        if (config.StatPrefix.Length == 0) throw new ConfigRefusedException(path + ".stat_prefix", "is empty");
        if (config.ShareKey.Length > 0) throw new ConfigRefusedException(path + ".share_key", "is not supported");
        if (config.TokenBucket is null) throw new ConfigRefusedException(path + ".token_bucket", "is missing");
        return new NetworkRateLimitFilter(
            new TokenBucket(config.TokenBucket, path + ".token_bucket"), config.RuntimeEnabled?.DefaultValue is not false,
            context.Stats.Group($"local_rate_limit.{config.StatPrefix}.", NetworkRateLimitStats.Create));
    }

    public ValueTask<bool> OnConnectedAsync(DownstreamConnection connection)
    {
        var worker = connection.Stream.Worker;
        if (!isOn || bucket.TryTake(worker.Now)) return new ValueTask<bool>(true);
        stats.Add(worker, NetworkRateLimitStats.RateLimited);
        return new ValueTask<bool>(false);
    }

    public ValueTask<bool> OnFirstBytesAsync(DownstreamConnection connection, StreamInfo info) => new(true);
}

/// <summary>Statistics of the filter. Source: Envoy's "Local rate limit" of network filters, statistics.</summary>
internal sealed class NetworkRateLimitStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int RateLimited = 0;

    private static readonly StatField[] All = [new("rate_limited")];

    public static NetworkRateLimitStats Create(string prefix, int workers) => new(prefix, workers);
}
