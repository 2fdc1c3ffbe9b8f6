using Lateen.Pilot.Push;

namespace Lateen.Pilot.Registries;

/// <summary>The pods by name and address. Owned by the push loop.</summary>
internal sealed class WorkloadTable
{
    private readonly Dictionary<(string Namespace, string Name), Workload> _byName = [];
    private readonly Dictionary<string, Workload> _byAddress = new(StringComparer.Ordinal);

    public IEnumerable<Workload> All => _byName.Values;

    public IReadOnlyDictionary<string, Workload> ByAddress => _byAddress;

    public Workload? Find(string @namespace, string name) => _byName.GetValueOrDefault((@namespace, name));

    public Workload? AtAddress(string address) => _byAddress.GetValueOrDefault(address);

    /// <summary>Replaces one; true when that changed anything. An address belongs to the running pod that came last.</summary>
    public bool Set(string @namespace, string name, Workload? workload)
    {
        var key = (@namespace, name);
        if (_byName.TryGetValue(key, out var previous))
        {
            if (workload != null && workload.SameAs(previous)) return false;
            if (_byAddress.TryGetValue(previous.Address, out var holder) && ReferenceEquals(holder, previous)) _byAddress.Remove(previous.Address);
        }
        else if (workload == null) return false;
        if (workload == null) _byName.Remove(key);
        else
        {
            _byName[key] = workload;
            if (workload.Address.Length > 0 && workload.IsRunning) _byAddress[workload.Address] = workload;
        }
        return true;
    }
}
