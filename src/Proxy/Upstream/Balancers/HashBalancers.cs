using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Balancers;

/// <summary>A place for every hash. Immutable; shared by all workers.</summary>
internal interface IHashTable
{
    HostState Find(ulong hash);
}

/// <summary>Sends a hash to its place in a ring or table; a request without a hash goes anywhere.</summary>
internal sealed class HashBalancer(BalancerSettings settings, Func<HostGroup, BalancerSettings, IHashTable> build) : ILoadBalancer
{
    public HostState? Pick(HostGroup group, in LoadBalancerContext context, Worker worker, int attempt)
    {
        if (group.Hosts.Length == 0) return null;
        var hash = context.Hash ?? (ulong)worker.Random.NextInt64();
        // parity: Envoy, ThreadAwareLoadBalancerBase: another attempt flips the high bits, which lands elsewhere but always in the same place.
        if (attempt > 0) hash ^= ~(ulong)attempt + 1;
        var host = group.Table(build, settings).Find(hash);
        return settings.BalanceFactor > 0 ? Relieve(group, host, hash) : host;
    }

    /// <summary>Passes over hosts that have more than their part of the load, in an order that the hash gives. Source: Envoy's hash_balance_factor.</summary>
    private HostState Relieve(HostGroup group, HostState host, ulong hash)
    {
        var hosts = group.Hosts;
        long active = 0;
        foreach (var one in hosts) active += one.Active;
        double Room(int index) => Math.Max(1, Math.Ceiling((active + 1) * group.ShareOf(index) * settings.BalanceFactor / 100.0));
        if (host.Active < Room(Array.IndexOf(hosts, host))) return host;
        var (least, leastLoad) = (host, double.MaxValue);
        var step = hash % (ulong)hosts.Length;
        for (var i = 0; i < hosts.Length; i++)
        {
            step = (step + 1) % (ulong)hosts.Length;
            var load = hosts[step].Active / Room((int)step);
            if (load < 1) return hosts[step];
            if (load < leastLoad) (least, leastLoad) = (hosts[step], load);
        }
        return least;
    }
}

/// <summary>
/// Points of every host on a ring, as many as its weight deserves; a hash belongs to the next point. Immutable. Source: Envoy's
/// "Ring hash", Ketama with its sizes.
/// </summary>
internal sealed class HashRing : IHashTable
{
    private readonly ulong[] _points;
    private readonly int[] _owners;
    private readonly HostState[] _hosts;

    public HashRing(HostGroup group, BalancerSettings settings)
    {
        _hosts = group.Hosts;
        var least = double.MaxValue;
        for (var i = 0; i < _hosts.Length; i++) least = Math.Min(least, group.ShareOf(i));
        var scale = Math.Min(Math.Ceiling(least * settings.MinRingSize) / least, settings.MaxRingSize);
        var points = new List<ulong>((int)Math.Ceiling(scale));
        var owners = new List<int>(points.Capacity);
        double target = 0;
        for (var owner = 0; owner < _hosts.Length; owner++)
        {
            target += scale * group.ShareOf(owner);
            var key = HashKey.Of(_hosts[owner], settings);
            for (var i = 0; points.Count < target; i++)
            {
                var name = $"{key}_{i}";
                points.Add(settings.UseMurmur ? Hashing.Murmur(name) : Hashing.Of(name));
                owners.Add(owner);
            }
        }
        (_points, _owners) = ([.. points], [.. owners]);
        Array.Sort(_points, _owners);
    }

    public int Size => _points.Length;

    public HostState Find(ulong hash)
    {
        var at = Array.BinarySearch(_points, hash);
        if (at < 0) at = ~at;
        else
            // The first of points that fall together.
            while (at > 0 && _points[at - 1] == hash) at--;
        return _hosts[_owners[at == _points.Length ? 0 : at]];
    }
}

/// <summary>Maglev's lookup table. Immutable. Source: Eisenbud et al., "Maglev", NSDI 2016, section 3.4; weights as Envoy has them.</summary>
internal sealed class MaglevTable : IHashTable
{
    private readonly int[] _table;
    private readonly HostState[] _hosts;

    public MaglevTable(HostGroup group, BalancerSettings settings)
    {
        _hosts = group.Hosts;
        _table = new int[settings.TableSize];
        Array.Fill(_table, -1);
        var size = (ulong)_table.Length;
        var (position, skip, target) = (new ulong[_hosts.Length], new ulong[_hosts.Length], new double[_hosts.Length]);
        double heaviest = 0;
        for (var i = 0; i < _hosts.Length; i++)
        {
            var key = HashKey.Of(_hosts[i], settings);
            (position[i], skip[i]) = (Hashing.Of(key) % size, Hashing.Of(key, 1) % (size - 1) + 1);
            heaviest = Math.Max(heaviest, group.ShareOf(i));
        }
        var filled = 0;
        for (var round = 1; filled < _table.Length; round++)
            for (var i = 0; i < _hosts.Length && filled < _table.Length; i++)
            {
                // A lighter host sits out rounds.
                if (round * group.ShareOf(i) < target[i]) continue;
                target[i] += heaviest;
                while (_table[position[i]] >= 0) position[i] = (position[i] + skip[i]) % size;
                _table[position[i]] = i;
                filled++;
            }
    }

    public HostState Find(ulong hash) => _hosts[_table[hash % (ulong)_table.Length]];
}

/// <summary>What of a host is hashed.</summary>
internal static class HashKey
{
    public static string Of(HostState host, BalancerSettings settings) =>
        host.HashKey.Length > 0 ? host.HashKey : settings.HashHostname && host.Hostname.Length > 0 ? host.Hostname : host.Text;
}
