using Lateen.Pilot.Model;
using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Push;

/// <summary>An endpoint and the service that it belongs to.</summary>
internal readonly record struct EndpointOwner(ServiceEndpoints Service, ServiceEndpoint Endpoint);

/// <summary>The endpoints of all services. Immutable; replaced when any endpoint changes.</summary>
internal sealed class EndpointIndex
{
    public static readonly EndpointIndex Empty = new([]);

    private readonly Dictionary<(string Host, string Namespace), ServiceEndpoints> _services;
    private readonly Lazy<Dictionary<string, List<EndpointOwner>>> _byAddress;

    private EndpointIndex(Dictionary<(string, string), ServiceEndpoints> services)
    {
        _services = services;
        _byAddress = new(IndexByAddress);
    }

    /// <summary>What was generated from all these endpoints together: tables of assignments for clients that get equal ones. Any thread.</summary>
    public GeneratedCache Generated { get; } = new(256);

    public int ServiceCount => _services.Count;

    public IEnumerable<ServiceEndpoints> All => _services.Values;

    public ServiceEndpoints? Find(string hostname, string @namespace) => _services.GetValueOrDefault((hostname, @namespace));

    /// <summary>Every endpoint at an address, of whatever service.</summary>
    public IReadOnlyList<EndpointOwner> AtAddress(string address) => _byAddress.Value.TryGetValue(address, out var found) ? found : [];

    /// <summary>This index with some services' endpoints replaced; null removes.</summary>
    public EndpointIndex With(IEnumerable<KeyValuePair<(string Host, string Namespace), ServiceEndpoints?>> changes)
    {
        var services = new Dictionary<(string, string), ServiceEndpoints>(_services);
        foreach (var (key, endpoints) in changes)
            if (endpoints == null) services.Remove(key);
            else services[key] = endpoints;
        return new(services);
    }

    private Dictionary<string, List<EndpointOwner>> IndexByAddress()
    {
        var index = new Dictionary<string, List<EndpointOwner>>(StringComparer.Ordinal);
        foreach (var service in _services.Values)
            foreach (var endpoint in service.All)
            {
                if (!index.TryGetValue(endpoint.Address, out var list)) index[endpoint.Address] = list = [];
                list.Add(new(service, endpoint));
            }
        return index;
    }
}
