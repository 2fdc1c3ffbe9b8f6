using Lateen.Config;
using Lateen.Kubernetes.Models;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using Lateen.Pilot.Registries.Kubernetes;
using Lateen.Pilot.Registries.ServiceEntries;
using KubeService = Lateen.Kubernetes.Models.Service;
using Service = Lateen.Pilot.Model.Service;

namespace Lateen.Pilot.Registries;

/// <summary>All services, endpoints and workloads that Pilot knows, from every registry. Owned by the push loop.</summary>
internal sealed class MeshRegistries
{
    private readonly WorkloadTable _workloads = new();
    private readonly KubernetesRegistry _kubernetes;
    private readonly ServiceEntryRegistry _entries;

    public MeshRegistries(string domain)
    {
        _kubernetes = new(domain, _workloads);
        _entries = new(_workloads);
        _kubernetes.ExtraEndpoints = _entries.EndpointsFor;
    }

    public IReadOnlyCollection<string> DefaultExportTo
    {
        set => (_kubernetes.DefaultExportTo, _entries.DefaultExportTo) = (value, value);
    }

    public IEnumerable<Service> Services => _kubernetes.Services.Concat(_entries.Services);

    public IReadOnlyDictionary<string, Workload> WorkloadsByAddress => _workloads.ByAddress;

    /// <summary>Takes one change of a kind that decides services; false for other kinds.</summary>
    public bool Apply(StateChange change, RegistryChanges changes)
    {
        var (@namespace, name) = (change.Namespace, change.Name);
        switch (change.Kind)
        {
            case "Service":
                _kubernetes.Set((KubeService?)change.Value, @namespace, name, changes);
                return true;
            case "EndpointSlice":
                _kubernetes.Set((EndpointSlice?)change.Value, @namespace, name);
                return true;
            case "Endpoints":
                _kubernetes.Set((Endpoints?)change.Value, @namespace, name);
                return true;
            case "Pod":
                if (_kubernetes.Set((Pod?)change.Value, @namespace, name))
                {
                    changes.Workloads.Add((@namespace, name));
                    _entries.TouchSelectors(@namespace);
                }
                return true;
            case "Node":
                _kubernetes.Set((Node?)change.Value, name, changes);
                return true;
            case "ServiceEntry":
                _entries.SetEntry((ConfigObject?)change.Value, @namespace, name, changes);
                return true;
            case "WorkloadEntry":
                _entries.SetWorkloadEntry((ConfigObject?)change.Value, @namespace, name);
                _kubernetes.TouchSelectors(@namespace);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Works out the endpoints that the changes since the last call concern.</summary>
    public void Collect(RegistryChanges changes)
    {
        _kubernetes.Collect(changes);
        _entries.Collect(changes);
    }
}
