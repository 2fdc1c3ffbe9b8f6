using System.Net;
using System.Security.Cryptography;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>Hands out cluster addresses and node ports to services, each once. Any thread.</summary>
internal sealed class ServiceAddresses
{
    private const int FirstNodePort = 30000;
    private const int LastNodePort = 32767;

    /// <summary>Addresses at the start of the range that are only given out when asked for by name.</summary>
    private const int ReservedAddresses = 16;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _addresses = [];
    private readonly HashSet<int> _ports = [];
    private readonly uint _first;
    private readonly uint _size;

    /// <summary>An IPv4 range in CIDR form.</summary>
    /// <exception cref="FormatException">It is none, or smaller than /28.</exception>
    public ServiceAddresses(string cidr)
    {
        var network = IPNetwork.Parse(cidr);
        if (network.BaseAddress.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork || network.PrefixLength is < 8 or > 28)
            throw new FormatException($"the service range must be IPv4 with a prefix of 8 to 28 bits, not {cidr}");
        _first = BitConverter.ToUInt32([.. network.BaseAddress.GetAddressBytes().Reverse()]);
        _size = 1u << (32 - network.PrefixLength);
        Range = network.ToString();
    }

    /// <summary>The range in CIDR form.</summary>
    public string Range { get; }

    /// <summary>The address of the service "kubernetes": the range's first.</summary>
    public string First => Text(_first + 1);

    /// <summary>Takes what existing services hold.</summary>
    public void Restore(IEnumerable<StoredObject> services)
    {
        lock (_gate)
        {
            foreach (var service in services)
            {
                foreach (var address in service.Root.Items("spec", "clusterIPs")) _addresses.Add(address.GetString() ?? "");
                foreach (var port in service.Root.Items("spec", "ports"))
                    if (port.Whole("nodePort") is { } number) _ports.Add((int)number);
            }
        }
    }

    /// <summary>Whether an address lies in the range.</summary>
    public bool Contains(string address) =>
        IPAddress.TryParse(address, out var parsed) && parsed.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
        && BitConverter.ToUInt32([.. parsed.GetAddressBytes().Reverse()]) - _first < _size;

    /// <summary>Takes an address; false when it is in use.</summary>
    public bool TryTake(string address)
    {
        lock (_gate) return _addresses.Add(address);
    }

    /// <summary>A free address, null when there is none.</summary>
    public string? Take()
    {
        lock (_gate)
        {
            var usable = (int)Math.Min(_size - ReservedAddresses - 1, int.MaxValue);
            var start = RandomNumberGenerator.GetInt32(usable);
            for (var i = 0; i < usable; i++)
            {
                var address = Text(_first + ReservedAddresses + (uint)((start + i) % usable));
                if (_addresses.Add(address)) return address;
            }
            return null;
        }
    }

    public bool TryTakePort(int port)
    {
        lock (_gate) return _ports.Add(port);
    }

    /// <summary>A free node port, null when there is none.</summary>
    public int? TakePort()
    {
        lock (_gate)
        {
            var start = RandomNumberGenerator.GetInt32(LastNodePort - FirstNodePort + 1);
            for (var i = 0; i <= LastNodePort - FirstNodePort; i++)
            {
                var port = FirstNodePort + (start + i) % (LastNodePort - FirstNodePort + 1);
                if (_ports.Add(port)) return port;
            }
            return null;
        }
    }

    public void Release(IEnumerable<string> addresses, IEnumerable<int> ports)
    {
        lock (_gate)
        {
            _addresses.ExceptWith(addresses);
            _ports.ExceptWith(ports);
        }
    }

    private static string Text(uint address) => new IPAddress([.. BitConverter.GetBytes(address).Reverse()]).ToString();
}
