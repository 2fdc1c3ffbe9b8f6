using Envoy.Extensions.Filters.Network.ConnectionLimit.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Filters.Network.Limits;

/// <summary>
/// Closes connections beyond a number that all workers share. Immutable but for its count; any worker. Source: Envoy's connection limit filter.
/// </summary>
internal sealed class ConnectionLimitFilter(long most, long delayMs, ConnectionLimitStats stats) : INetworkFilter
{
    private long _active;

    public static INetworkFilter Compile(ConnectionLimit config, string path, FilterContext context)
    {
        if (config.StatPrefix.Length == 0) throw new ConfigRefusedException(path + ".stat_prefix", "is empty");
        if (config.MaxConnections is not { } most || most == 0) throw new ConfigRefusedException(path + ".max_connections", "is missing or 0");
        var stats = context.Stats.Group($"connection_limit.{config.StatPrefix}.", ConnectionLimitStats.Create);
        return new ConnectionLimitFilter(config.RuntimeEnabled?.DefaultValue is false ? long.MaxValue : (long)Math.Min(most, long.MaxValue), Durations.Ms(config.Delay) ?? 0, stats);
    }

    public ValueTask<bool> OnConnectedAsync(DownstreamConnection connection)
    {
        var worker = connection.Stream.Worker;
        stats.Add(worker, ConnectionLimitStats.Active);
        if (Interlocked.Increment(ref _active) <= most) return new ValueTask<bool>(true);
        stats.Add(worker, ConnectionLimitStats.Limited);
        return delayMs > 0 ? DelayAsync(worker) : new ValueTask<bool>(false);
    }

    public ValueTask<bool> OnFirstBytesAsync(DownstreamConnection connection, StreamInfo info) => new(true);

    public void OnClosed(DownstreamConnection connection)
    {
        Interlocked.Decrement(ref _active);
        stats.Add(connection.Stream.Worker, ConnectionLimitStats.Active, -1);
    }

    private async ValueTask<bool> DelayAsync(Worker worker)
    {
        await new Delay().WaitAsync(worker, delayMs);
        return false;
    }
}

/// <summary>Statistics of the filter. Source: Envoy's "Connection limit", statistics.</summary>
internal sealed class ConnectionLimitStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int Active = 0, Limited = 1;

    private static readonly StatField[] All = [new("active_connections", StatKind.Gauge), new("limited_connections")];

    public static ConnectionLimitStats Create(string prefix, int workers) => new(prefix, workers);
}
