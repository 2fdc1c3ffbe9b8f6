using Lateen.Foundation.Metrics;

namespace Lateen.Pilot.Discovery;

/// <summary>Pilot's metrics, by the names that Istio's dashboards ask for (inventory PIL-143, PIL-144).</summary>
internal sealed class DiscoveryMetrics(MetricRegistry metrics)
{
    private readonly MetricFamily<Counter>[] _rejectsByType =
    [
        .. Enum.GetValues<ResourceType>().Select(t => metrics.Counter($"pilot_xds_{t.ShortName()}_reject", $"Pilot rejected {t.ShortName()} configs.", "node", "err")),
    ];

    public MetricFamily<Gauge> Connected { get; } = metrics.Gauge("pilot_xds", "Number of endpoints connected to this pilot using XDS.", "version");

    public MetricFamily<Counter> Pushes { get; } = metrics.Counter("pilot_xds_pushes", "Pilot build and send errors for lds, rds, cds and eds.", "type");

    public MetricFamily<Counter> PushTriggers { get; } = metrics.Counter("pilot_push_triggers", "Total number of times a push was triggered, labeled by reason for the push.", "type");

    public Counter Rejects { get; } = metrics.Counter("pilot_total_xds_rejects", "Total number of XDS responses from pilot rejected by proxy.").With();

    public Counter ExpiredNonces { get; } = metrics.Counter("pilot_xds_expired_nonce", "Total number of XDS requests with an expired nonce.").With();

    public Counter InternalErrors { get; } = metrics.Counter("pilot_total_xds_internal_errors", "Total number of internal XDS errors in pilot.").With();

    public Counter WriteTimeouts { get; } = metrics.Counter("pilot_xds_write_timeout", "Pilot XDS response write timeouts.").With();

    /// <summary>Seconds from the first change to the last proxy's acceptance of the push.</summary>
    public Histogram Convergence { get; } = metrics.Histogram(
        "pilot_proxy_convergence_time", "Delay in seconds between config change and a proxy receiving all required configuration.",
        [.1, .5, 1, 3, 5, 10, 20, 30]).With();

    public Histogram SendTime { get; } = metrics.Histogram(
        "pilot_xds_send_time", "Total time in seconds Pilot takes to send generated configuration.", [.01, .1, 1, 3, 5, 10, 20, 30]).With();

    public Histogram PushTime { get; } = metrics.Histogram(
        "pilot_pushcontext_init_seconds", "Total time in seconds Pilot takes to init pushContext.", [.01, .1, 0.5, 1, 3, 5]).With();

    public MetricFamily<Histogram> ConfigSize { get; } = metrics.Histogram(
        "pilot_xds_config_size_bytes", "Distribution of configuration sizes pushed to clients.", [1, 10_000, 1_000_000, 4_000_000, 10_000_000, 40_000_000], "type");

    public Gauge Services { get; } = metrics.Gauge("pilot_services", "Total services known to pilot.").With();

    public Gauge VirtualServices { get; } = metrics.Gauge("pilot_virt_services", "Total virtual services known to pilot.").With();

    public MetricFamily<Gauge> Instances { get; } = metrics.Gauge("pilot_xds_eds_instances", "Instances for each cluster(grouped by locality), as of last push.", "cluster");

    public MetricFamily<Gauge> DuplicateDomains { get; } = metrics.Gauge("pilot_vservice_dup_domain", "Virtual services with dup domains.");

    public MetricFamily<Counter> RegistryEvents { get; } = metrics.Counter("pilot_k8s_reg_events", "Events from k8s registry.", "type", "event");

    public MetricFamily<Counter> ConfigEvents { get; } = metrics.Counter("pilot_k8s_cfg_events", "Events from k8s config.", "type", "event");

    public void Rejected(ResourceType type, string node, string code)
    {
        Rejects.Increment();
        _rejectsByType[(int)type].With(node, code).Increment();
    }
}
