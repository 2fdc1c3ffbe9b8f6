using System.Globalization;
using System.Net;

namespace Lateen.EmbeddedCluster.Node.Network;

/// <summary>Hands out pods' places in the network. Any thread. The pods' folders on disk are the truth; this is a view of them.</summary>
internal sealed class AddressPool
{
    private const int First = 2, Last = 65533;

    private readonly Lock _gate = new();
    private readonly string _network;
    private readonly HashSet<int> _taken;
    private int _last;

    /// <summary>Starts with the places that are taken.</summary>
    public AddressPool(IPAddress nodeAddress, IEnumerable<PodAddress> taken)
    {
        var parts = nodeAddress.GetAddressBytes();
        _network = string.Create(CultureInfo.InvariantCulture, $"{parts[0]}.{parts[1]}.");
        _taken = [.. taken.Select(address => address.Index)];
        _last = _taken.Count > 0 ? _taken.Max() : First - 1;
    }

    /// <summary>Takes the place that has been free the longest.</summary>
    /// <exception cref="InvalidOperationException">All 65532 are taken.</exception>
    public PodAddress Take()
    {
        lock (_gate)
        {
            for (var tries = First; tries <= Last; tries++)
            {
                _last = _last >= Last ? First : _last + 1;
                if (_taken.Add(_last)) return new PodAddress(_last, string.Create(CultureInfo.InvariantCulture, $"{_network}{_last >> 8}.{_last & 255}"));
            }
        }
        throw new InvalidOperationException("the node has no address left for another pod");
    }

    /// <summary>Gives a place back.</summary>
    public void Return(PodAddress address)
    {
        lock (_gate) _taken.Remove(address.Index);
    }
}
