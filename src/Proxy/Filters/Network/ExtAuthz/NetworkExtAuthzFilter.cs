using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Http.ExtAuthz;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Grpc;
using ExtAuthzConfig = Envoy.Extensions.Filters.Network.ExtAuthz.V3.ExtAuthz;

namespace Lateen.Proxy.Filters.Network.ExtAuthz;

/// <summary>
/// Asks a gRPC service about each connection when its first bytes come, and closes what it denies. Immutable. Source: Envoy's network external
/// authorization filter.
/// </summary>
internal sealed class NetworkExtAuthzFilter : INetworkFilter
{
    private const string Namespace = "envoy.filters.network.ext_authz";
    private const long DefaultTimeoutMs = 200;

    private readonly GrpcTarget _target;
    private readonly CheckSettingsSnapshot _told;
    private readonly MetadataMatch? _enabled;
    private readonly bool _failureModeAllow;
    private readonly NetworkExtAuthzStats _stats;

    private NetworkExtAuthzFilter(ExtAuthzConfig config, string path, FilterContext context)
    {
        _target = GrpcTarget.Compile(config.GrpcService, path + ".grpc_service");
        _told = new CheckSettingsSnapshot
        {
            MetadataNamespaces = [.. config.MetadataContextNamespaces],
            IncludeCertificate = config.IncludePeerCertificate,
            IncludeTlsSession = config.IncludeTlsSession,
            Labels = ExtAuthzSettings.LabelsOf(context.Node, config.BootstrapMetadataLabelsKey),
        };
        _enabled = config.FilterEnabledMetadata is { } matcher ? new MetadataMatch(matcher, path + ".filter_enabled_metadata") : null;
        _failureModeAllow = config.FailureModeAllow;
        _stats = context.Stats.Group($"ext_authz.{config.StatPrefix.TrimEnd('.')}.", NetworkExtAuthzStats.Create);
    }

    public static NetworkExtAuthzFilter Compile(ExtAuthzConfig config, string path, FilterContext context)
    {
        if (config.StatPrefix.Length == 0) throw new ConfigRefusedException(path + ".stat_prefix", "is empty");
        if (config.SendTlsAlertOnDenial) throw new ConfigRefusedException(path + ".send_tls_alert_on_denial", "is not supported");
        if (config.TypedMetadataContextNamespaces.Count > 0) throw new ConfigRefusedException(path + ".typed_metadata_context_namespaces", "are not supported");
        return new NetworkExtAuthzFilter(config, path, context);
    }

    public async ValueTask<bool> OnFirstBytesAsync(DownstreamConnection connection, StreamInfo info)
    {
        var worker = connection.Stream.Worker;
        if (_enabled?.IsMatch(info.Metadata) == false)
        {
            _stats.Add(worker, NetworkExtAuthzStats.Disabled);
            return true;
        }
        _stats.Add(worker, NetworkExtAuthzStats.Total);
        var reply = await GrpcCall.UnaryAsync(connection.Context, worker, _target, GrpcAuthService.Check, CheckRequests.Of(info, _told), _target.TimeoutMs ?? DefaultTimeoutMs);
        if (reply.Answer is { } answer)
        {
            if (answer.DynamicMetadata is { } metadata) info.Metadata.Merge(Namespace, metadata);
            var isOk = (answer.Status?.Code ?? 0) == 0;
            _stats.Add(worker, isOk ? NetworkExtAuthzStats.Ok : NetworkExtAuthzStats.Denied);
            return isOk || Close(NetworkExtAuthzStats.Closed, "ext_authz_denied");
        }
        _stats.Add(worker, NetworkExtAuthzStats.Error);
        if (!_failureModeAllow) return Close(NetworkExtAuthzStats.Closed, "ext_authz_error");
        _stats.Add(worker, NetworkExtAuthzStats.FailureModeAllowed);
        return true;

        bool Close(int counter, string details)
        {
            _stats.Add(worker, counter);
            info.Flags |= ResponseFlags.Unauthorized;
            info.ConnectionTermination = details;
            return false;
        }
    }
}

/// <summary>Statistics of the filter. Source: Envoy's "External Authorization" of network filters, statistics.</summary>
internal sealed class NetworkExtAuthzStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int Total = 0, Error = 1, Denied = 2, Disabled = 3, FailureModeAllowed = 4, Ok = 5, Closed = 6;

    private static readonly StatField[] All = [new("total"), new("error"), new("denied"), new("disabled"), new("failure_mode_allowed"), new("ok"), new("cx_closed")];

    public static NetworkExtAuthzStats Create(string prefix, int workers) => new(prefix, workers);
}
