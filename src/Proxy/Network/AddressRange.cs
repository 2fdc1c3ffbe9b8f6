using System.Buffers.Binary;
using Lateen.Foundation.Net;

namespace Lateen.Proxy.Network;

/// <summary>A range of addresses in the form in which it is compared without allocating. Immutable.</summary>
internal readonly struct AddressRange
{
    private readonly UInt128 _bits;
    private readonly UInt128 _mask;
    private readonly bool _isV6;

    public AddressRange(IpPrefix prefix)
    {
        Span<byte> bytes = stackalloc byte[16];
        prefix.Address.TryWriteBytes(bytes, out var written);
        var width = written * 8;
        _isV6 = prefix.IsV6;
        _bits = written == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
        _mask = prefix.Length == 0 ? UInt128.Zero : (UInt128.MaxValue >> (128 - width)) & ~((UInt128.One << (width - prefix.Length)) - 1);
    }

    /// <summary>Whether it holds an address, given as a number; never across families.</summary>
    public bool Contains(UInt128 address, bool isV6) => isV6 == _isV6 && (address & _mask) == _bits;
}
