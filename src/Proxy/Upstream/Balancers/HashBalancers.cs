using System.Text;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Balancers;

/// <summary>
/// Points of every host on a ring, as many as its weight deserves; a request goes to the next point after its hash. Source:
/// Envoy's "Ring hash". Owned by one worker; rebuilt when the hosts change.
/// </summary>
internal sealed class RingHashBalancer(long minSize, long maxSize) : ILoadBalancer
{
    private HostState[]? _hosts;
    private (ulong Hash, HostState Host)[] _ring = [];

    public HostState? Pick(HostSet hosts, in LoadBalancerContext context, Worker worker, ClusterState cluster)
    {
        var candidates = LoadBalancers.Candidates(hosts, context, worker, cluster);
        if (candidates.Length == 0) return null;
        if (!ReferenceEquals(candidates, _hosts)) Build(candidates);
        var hash = context.Hash ?? (ulong)worker.Random.NextInt64();
        var at = Array.BinarySearch(_ring, (hash, candidates[0]), ByHash.Instance);
        if (at < 0) at = ~at;
        for (var tries = 0; tries < _ring.Length; tries++, at++)
        {
            var host = _ring[at % _ring.Length].Host;
            if (!LoadBalancers.WasTried(host, context)) return host;
        }
        return _ring[0].Host;
    }

    private void Build(HostState[] candidates)
    {
        _hosts = candidates;
        var total = candidates.Sum(host => (double)host.Weight);
        var least = candidates.Min(host => host.Weight) / total;
        var scale = Math.Min(Math.Ceiling(least * minSize) / least, maxSize);
        var ring = new List<(ulong, HostState)>();
        foreach (var host in candidates)
        {
            var points = Math.Max(1, (int)Math.Round(scale * host.Weight / total));
            for (var i = 0; i < points; i++) ring.Add((Hashing.Of($"{host.Text}_{i}"), host));
        }
        _ring = [.. ring];
        Array.Sort(_ring, ByHash.Instance);
    }

    private sealed class ByHash : IComparer<(ulong Hash, HostState Host)>
    {
        public static readonly ByHash Instance = new();

        public int Compare((ulong Hash, HostState Host) x, (ulong Hash, HostState Host) y) => x.Hash.CompareTo(y.Hash);
    }
}

/// <summary>Maglev's lookup table. Source: Eisenbud et al., "Maglev", NSDI 2016, section 3.4. Owned by one worker.</summary>
internal sealed class MaglevBalancer(int tableSize) : ILoadBalancer
{
    private HostState[]? _hosts;
    private HostState[] _table = [];

    public HostState? Pick(HostSet hosts, in LoadBalancerContext context, Worker worker, ClusterState cluster)
    {
        var candidates = LoadBalancers.Candidates(hosts, context, worker, cluster);
        if (candidates.Length == 0) return null;
        if (!ReferenceEquals(candidates, _hosts)) Build(candidates);
        var hash = context.Hash ?? (ulong)worker.Random.NextInt64();
        for (ulong tries = 0; tries < (ulong)candidates.Length * 4; tries++)
        {
            var host = _table[(hash + tries * 0x9e3779b97f4a7c15) % (ulong)tableSize];
            if (!LoadBalancers.WasTried(host, context)) return host;
        }
        return _table[hash % (ulong)tableSize];
    }

    private void Build(HostState[] candidates)
    {
        _hosts = candidates;
        var size = (ulong)tableSize;
        var entries = Array.ConvertAll(candidates, host => (Offset: Hashing.Of(host.Text) % size, Skip: Hashing.Of(host.Text, 1) % (size - 1) + 1));
        var next = new ulong[candidates.Length];
        var credit = new double[candidates.Length];
        var heaviest = candidates.Max(host => host.Weight);
        _table = new HostState[tableSize];
        for (var filled = 0; filled < tableSize;)
            for (var i = 0; i < candidates.Length && filled < tableSize; i++)
            {
                credit[i] += (double)candidates[i].Weight / heaviest;
                if (credit[i] < 1) continue;
                credit[i]--;
                ulong at;
                do at = (entries[i].Offset + next[i]++ * entries[i].Skip) % size;
                while (_table[at] is not null);
                _table[at] = candidates[i];
                filled++;
            }
    }
}

/// <summary>The 64-bit hash of hash policies and rings: FNV-1a with a final mix.</summary>
internal static class Hashing
{
    public static ulong Of(string text, ulong seed = 0)
    {
        Span<byte> bytes = stackalloc byte[512];
        return text.Length > 128 ? Of(Encoding.UTF8.GetBytes(text), seed) : Of(bytes[..Encoding.UTF8.GetBytes(text, bytes)], seed);
    }

    public static ulong Of(ReadOnlySpan<byte> bytes, ulong seed = 0)
    {
        var hash = 14695981039346656037 ^ seed * 0x9e3779b97f4a7c15;
        foreach (var b in bytes) hash = (hash ^ b) * 1099511628211;
        hash ^= hash >> 33;
        hash *= 0xff51afd7ed558ccd;
        hash ^= hash >> 33;
        hash *= 0xc4ceb9fe1a85ec53;
        return hash ^ hash >> 33;
    }
}
