using Envoy.Config.Core.V3;
using Envoy.Extensions.Filters.Listener.ProxyProtocol.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Network;

/// <summary>How a listener reads the headers of load balancers. Immutable. Source: Envoy's PROXY protocol listener filter.</summary>
/// <param name="MayBeAbsent">Connections without a header are served too.</param>
/// <param name="Refused">Versions that are not taken.</param>
/// <param name="Stats">Where it counts.</param>
internal sealed record ProxyHeaderSettings(bool MayBeAbsent, int[] Refused, ProxyHeaderStats Stats)
{
    public static ProxyHeaderSettings Compile(ProxyProtocol config, string path, StatsStore stats)
    {
        if (config.Rules.Count > 0) throw new ConfigRefusedException(path + ".rules", "are not supported");
        if (config.PassThroughTlvs is not null) throw new ConfigRefusedException(path + ".pass_through_tlvs", "is not supported");
        if (config.TlvLocation != ProxyProtocol.Types.TlvLocation.DynamicMetadata) throw new ConfigRefusedException(path + ".tlv_location", $"{config.TlvLocation} is not supported");
        return new ProxyHeaderSettings(
            config.AllowRequestsWithoutProxyProtocol, [.. config.DisallowedVersions.Select(version => version == ProxyProtocolConfig.Types.Version.V2 ? 2 : 1)],
            stats.Group($"proxy_proto.{(config.StatPrefix.Length > 0 ? config.StatPrefix + "." : "")}", ProxyHeaderStats.Create));
    }

    /// <summary>Counts what was found; false when the connection is not taken.</summary>
    public bool Accept(ProxyHeaderStatus status, int version, Worker worker)
    {
        if (status == ProxyHeaderStatus.Bad)
        {
            Stats.Add(worker, version == 2 ? ProxyHeaderStats.V2Error : ProxyHeaderStats.V1Error);
            return false;
        }
        if (status != ProxyHeaderStatus.Done)
        {
            Stats.Add(worker, MayBeAbsent ? ProxyHeaderStats.NotFoundAllowed : ProxyHeaderStats.NotFoundDisallowed);
            return MayBeAbsent;
        }
        var isRefused = Refused.Contains(version);
        Stats.Add(worker, (version == 2, isRefused) switch
        {
            (true, true) => ProxyHeaderStats.V2Disallowed,
            (true, false) => ProxyHeaderStats.V2Found,
            (false, true) => ProxyHeaderStats.V1Disallowed,
            _ => ProxyHeaderStats.V1Found,
        });
        return !isRefused;
    }
}

/// <summary>Statistics of the filter. Source: Envoy's "Proxy Protocol", statistics.</summary>
internal sealed class ProxyHeaderStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int NotFoundAllowed = 0, NotFoundDisallowed = 1, V1Found = 2, V1Disallowed = 3, V1Error = 4, V2Found = 5, V2Disallowed = 6, V2Error = 7;

    private static readonly StatField[] All =
    [
        new("not_found_allowed"), new("not_found_disallowed"), new("versions.v1.found"), new("versions.v1.disallowed"), new("versions.v1.error"),
        new("versions.v2.found"), new("versions.v2.disallowed"), new("versions.v2.error"),
    ];

    public static ProxyHeaderStats Create(string prefix, int workers) => new(prefix, workers);
}
