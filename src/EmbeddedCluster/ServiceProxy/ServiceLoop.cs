using Lateen.EmbeddedCluster.Dns;
using Lateen.EmbeddedCluster.Node.Pods;
using Lateen.Foundation.Snapshots;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.ServiceProxy;

/// <summary>Brings every change of services and endpoints to the packet rules and to the name server. Owned by one loop.</summary>
internal sealed class ServiceLoop : IDisposable
{
    // Changes come in groups: a pod that becomes ready is an endpoint of several services.
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(20), Retry = TimeSpan.FromSeconds(1);

    private readonly ClusterObjects _objects;
    private readonly string _serviceRange;
    private readonly string _domain;
    private readonly Published<DnsZoneSnapshot> _zone;
    private readonly ILogger _log;
    private readonly RuleTable _rules = new();
    private readonly WakeSignal _changed = new();

    /// <summary>Starts to listen to changes.</summary>
    public ServiceLoop(ClusterObjects objects, string serviceRange, string domain, Published<DnsZoneSnapshot> zone, ILogger log)
    {
        (_objects, _serviceRange, _domain, _zone, _log) = (objects, serviceRange, domain, zone, log);
        objects.Services.Changed += _ => _changed.Set();
        objects.Endpoints.Changed += _ => _changed.Set();
    }

    /// <summary>Works until cancelled. The rules of an earlier run stay in force until the first of this one.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        await _objects.Services.WaitForSyncAsync(cancel);
        await _objects.Endpoints.WaitForSyncAsync(cancel);
        _changed.Set();
        var wait = Timeout.InfiniteTimeSpan;
        while (true)
        {
            await _changed.WaitAsync(wait, cancel);
            _zone.Publish(DnsZoneSnapshot.Compile(_domain, ServiceReader.ReadNames(_objects.Services, _objects.Endpoints)));
            try
            {
                await _rules.ApplyAsync(ServiceRules.Build(ServiceReader.ReadPorts(_objects.Services, _objects.Endpoints), _serviceRange), cancel);
                wait = Timeout.InfiniteTimeSpan;
            }
            catch (IOException problem)
            {
                _log.LogError("service addresses do not work: {Problem}", problem.Message);
                wait = Retry;
            }
            await Task.Delay(Settle, cancel);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _changed.Dispose();
}
