using Google.Protobuf.Collections;
using Istio.Networking.V1Alpha3;
using Lateen.Config.Validation.Primitives;
using static Istio.Networking.V1Alpha3.LoadBalancerSettings.Types;

namespace Lateen.Config.Validation.Networking;

/// <summary>How requests are spread over endpoints, and over localities.</summary>
internal static class LoadBalancers
{
    private static readonly string[] TopologyLabels = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"];

    public static void Validate(Check check, FieldPath at, LoadBalancerSettings? settings, OutlierDetection? outlier)
    {
        if (settings is null) return;
        if (settings.ConsistentHash is { } hash) ConsistentHash(check, at["consistentHash"], hash);
        if (settings.LocalityLbSetting is not null && settings.ZoneAwareLbSetting is not null)
            check.Error(at["zoneAwareLbSetting"], "only one of localityLbSetting and zoneAwareLbSetting can be set");
        Localities(check, at["localityLbSetting"], settings.LocalityLbSetting, outlier is not null);
        Zones(check, at["zoneAwareLbSetting"], settings.ZoneAwareLbSetting, outlier is not null);
        if (settings.Warmup is not { } warmup) return;
        var path = at["warmup"];
        check.Error(path["duration"], warmup.Duration is null ? "duration is required" : Values.CheckDuration(warmup.Duration));
        if (warmup.MinimumPercent > 100) check.Error(path["minimumPercent"], "minimumPercent value should be less than or equal to 100");
        if (warmup.Aggression <= 0) check.Error(path["aggression"], "aggression should be greater than 0");
    }

    public static void Localities(Check check, FieldPath at, LocalityLoadBalancerSetting? setting, bool hasOutlierDetection)
    {
        if (setting is null) return;
        if (setting.Distribute.Count > 0 && setting.Failover.Count > 0)
        {
            check.Error(at, "can not simultaneously specify 'distribute' and 'failover'");
            return;
        }
        if (setting.Failover.Count > 0 && setting.FailoverPriority.FirstOrDefault(TopologyLabels.Contains) is { } label)
        {
            check.Error(at["failoverPriority"], $"can not simultaneously set 'failover' and topology label '{label}' in 'failover_priority'");
            return;
        }
        for (var i = 0; i < setting.Distribute.Count; i++)
        {
            var (distribute, path) = (setting.Distribute[i], at["distribute"][i]["to"]);
            if (distribute.To.FirstOrDefault(entry => entry.Value is 0 or > 100) is { Key: not null } bad)
            {
                check.Error(path.Key(bad.Key), "locality weight must be in range [1, 100]");
                return;
            }
            if (distribute.To.Values.Sum(weight => weight) is var total && total != 100)
            {
                check.Error(path, $"total locality weight {total} != 100");
                return;
            }
            check.Error(path, LocalityNames.Check(distribute.To.Keys));
        }
        check.Error(at["distribute"], LocalityNames.Check(setting.Distribute.Select(distribute => distribute.From)));
        if ((setting.Failover.Count > 0 || setting.FailoverPriority.Count > 0) && !hasOutlierDetection)
            check.Warn(at, "outlier detection policy must be provided for failover");
        for (var i = 0; i < setting.Failover.Count; i++)
            Failover(check, at["failover"][i], setting.Failover[i].From, setting.Failover[i].To, "locality lb failover");
    }

    private static void Zones(Check check, FieldPath at, ZoneAwareLoadBalancerSetting? setting, bool hasOutlierDetection)
    {
        if (setting is null) return;
        for (var i = 0; i < setting.FailoverPriority.Count; i++)
            if (TopologyLabels.Contains(setting.FailoverPriority[i]))
                check.Error(at["failoverPriority"][i], $"'failover_priority' for zone aware lb must not use topology label '{setting.FailoverPriority[i]}'; region- and zone-level routing are handled automatically");
        if ((setting.Failover.Count > 0 || setting.FailoverPriority.Count > 0) && !hasOutlierDetection)
            check.Warn(at, "outlier detection policy must be provided for failover");
        for (var i = 0; i < setting.Failover.Count; i++)
            Failover(check, at["failover"][i], setting.Failover[i].From, setting.Failover[i].To, "zone aware lb failover");
    }

    private static void Failover(Check check, FieldPath at, string from, string to, string what)
    {
        if (from == to) check.Error(at, $"{what} settings must specify different regions");
        if (from.Contains('/', StringComparison.Ordinal) || to.Contains('/', StringComparison.Ordinal)) check.Error(at, $"{what} only specify region");
        if (from.Contains('*', StringComparison.Ordinal) || to.Contains('*', StringComparison.Ordinal)) check.Error(at, $"{what} region should not contain '*' wildcard");
    }

    private static void ConsistentHash(Check check, FieldPath at, ConsistentHashLB hash)
    {
        if (hash.HttpCookie is { } cookie)
        {
            if (cookie.Name.Length == 0) check.Error(at["httpCookie"]["name"], "name required for HttpCookie");
            if (check.Original && cookie.Ttl is null) check.Error(at["httpCookie"]["ttl"], "ttl required for HttpCookie");
            Attributes(check, at["httpCookie"]["attributes"], cookie.Attributes);
        }
#pragma warning disable CS0612 // Deprecated, but served.
        if (hash.MinimumRingSize != 0 && !check.Original)
            check.Warn(at["minimumRingSize"], "consistent hash MinimumRingSize is deprecated, use ConsistentHashLB's RingHash configuration instead");
        if (hash.MinimumRingSize != 0 && hash.HashAlgorithmCase != ConsistentHashLB.HashAlgorithmOneofCase.None)
            check.Error(at["minimumRingSize"], "only one of MinimumRingSize or Maglev/Ringhash can be specified");
#pragma warning restore CS0612
        if (hash.Maglev is not { } maglev) return;
        var path = at["maglev"]["tableSize"];
        if (maglev.TableSize == 0) check.Error(path, "tableSize must be set for maglev");
        if (maglev.TableSize >= 5000011) check.Error(path, "tableSize must be less than 5000011 for maglev");
        if (!IsPrime(maglev.TableSize)) check.Error(path, "tableSize must be a prime number for maglev");
    }

    private static void Attributes(Check check, FieldPath at, RepeatedField<ConsistentHashLB.Types.HTTPCookie.Types.Attribute> attributes)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < attributes.Count; i++)
        {
            if (attributes[i].Name.Length == 0) check.Error(at[i]["name"], "cookie attribute name cannot be empty");
            else if (!names.Add(attributes[i].Name)) check.Error(at[i]["name"], $"duplicate cookie attribute name: {attributes[i].Name}");
        }
    }

    /// <summary>As Envoy's Primes::isPrime, for which 1 is one.</summary>
    private static bool IsPrime(ulong number)
    {
        if (number is 1 or 2 or 3) return true;
        if (number % 2 == 0) return false;
        for (ulong factor = 3; factor * factor <= number && factor < 3_000_000; factor += 2)
            if (number % factor == 0)
                return false;
        return true;
    }
}
