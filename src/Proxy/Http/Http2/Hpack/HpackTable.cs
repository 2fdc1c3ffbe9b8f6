using System.Text;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Http2.Hpack;

/// <summary>The fields that both sides know from the start. Immutable. Source: RFC 7541 appendix A.</summary>
internal static class StaticTable
{
    public const int Length = 61;
    private static readonly (byte[] Name, byte[] Value, KnownHeader Known)[] Fields = Table();
    private static readonly byte[] NameIndexes = Indexes();

    /// <summary>The field at an index from 1 to 61.</summary>
    public static void At(int index, out KnownHeader known, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        ref var field = ref Fields[index];
        known = field.Known;
        name = field.Name;
        value = field.Value;
    }

    /// <summary>The first index of a header's name; 0 for none.</summary>
    public static int IndexOf(KnownHeader header) => NameIndexes[(int)header];

    private static byte[] Indexes()
    {
        var indexes = new byte[(int)KnownHeader.Count];
        for (var index = Length; index > 0; index--)
            if (Fields[index].Known != KnownHeader.Unknown)
                indexes[(int)Fields[index].Known] = (byte)index;
        return indexes;
    }

    private static (byte[], byte[], KnownHeader)[] Table()
    {
        string[] fields =
        [
            "", ":authority", ":method=GET", ":method=POST", ":path=/", ":path=/index.html", ":scheme=http", ":scheme=https", ":status=200", ":status=204", ":status=206",
            ":status=304", ":status=400", ":status=404", ":status=500", "accept-charset", "accept-encoding=gzip, deflate", "accept-language", "accept-ranges", "accept",
            "access-control-allow-origin", "age", "allow", "authorization", "cache-control", "content-disposition", "content-encoding", "content-language", "content-length",
            "content-location", "content-range", "content-type", "cookie", "date", "etag", "expect", "expires", "from", "host", "if-match", "if-modified-since", "if-none-match",
            "if-range", "if-unmodified-since", "last-modified", "link", "location", "max-forwards", "proxy-authenticate", "proxy-authorization", "range", "referer", "refresh",
            "retry-after", "server", "set-cookie", "strict-transport-security", "transfer-encoding", "user-agent", "vary", "via", "www-authenticate",
        ];
        return
        [
            .. fields.Select(field =>
            {
                var split = field.IndexOf('=', StringComparison.Ordinal);
                var name = Encoding.ASCII.GetBytes(split < 0 ? field : field[..split]);
                return (name, Encoding.ASCII.GetBytes(split < 0 ? "" : field[(split + 1)..]), KnownHeaders.Find(name));
            }),
        ];
    }
}

/// <summary>
/// The fields that one side has added to the table, newest first. Their bytes lie one behind the other in one array, which is
/// made when the first field comes. Owned by one decoder. Source: RFC 7541 sections 2.3.2 and 4.
/// </summary>
internal sealed class DynamicTable
{
    private const int Overhead = 32;
    private Entry[] _entries = [];
    private byte[] _bytes = [];
    private int _newest;
    private int _end;

    private struct Entry
    {
        public int At, NameLength, ValueLength;
        public KnownHeader Known;
    }

    /// <summary>Number of fields.</summary>
    public int Count { get; private set; }

    /// <summary>Size of all fields, each with its overhead of 32.</summary>
    public int Size { get; private set; }

    /// <summary>Size that is not exceeded.</summary>
    public int Capacity { get; private set; }

    public DynamicTable(int capacity) => Capacity = capacity;

    /// <summary>Changes the size that is allowed; evicts what is too much.</summary>
    public void Resize(int capacity)
    {
        Capacity = capacity;
        Evict(capacity);
    }

    /// <summary>The field at a place, 0 for the newest. The spans are valid until the next addition.</summary>
    public void At(int place, out KnownHeader known, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        ref var entry = ref _entries[(_newest - place) & (_entries.Length - 1)];
        known = entry.Known;
        name = _bytes.AsSpan(entry.At, entry.NameLength);
        value = _bytes.AsSpan(entry.At + entry.NameLength, entry.ValueLength);
    }

    /// <summary>Adds a field; older ones go to make room, all of them when it is larger than the table. The spans do not lie in the table.</summary>
    public void Add(KnownHeader known, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var size = name.Length + value.Length + Overhead;
        Evict(Capacity - size);
        if (size > Capacity) return;
        if (Count == _entries.Length) GrowEntries();
        if (_end + name.Length + value.Length > _bytes.Length) Compact(name.Length + value.Length);
        _newest = (_newest + 1) & (_entries.Length - 1);
        _entries[_newest] = new Entry { At = _end, NameLength = name.Length, ValueLength = value.Length, Known = known };
        name.CopyTo(_bytes.AsSpan(_end));
        value.CopyTo(_bytes.AsSpan(_end + name.Length));
        _end += name.Length + value.Length;
        Count++;
        Size += size;
    }

    private void Evict(int until)
    {
        while (Count > 0 && Size > until)
        {
            ref var oldest = ref _entries[(_newest - Count + 1) & (_entries.Length - 1)];
            Size -= oldest.NameLength + oldest.ValueLength + Overhead;
            Count--;
        }
        if (Count == 0) _end = 0;
    }

    private void GrowEntries()
    {
        var larger = new Entry[Math.Max(16, _entries.Length * 2)];
        for (var i = 0; i < Count; i++) larger[i] = _entries[(_newest - Count + 1 + i) & (_entries.Length - 1)];
        (_entries, _newest) = (larger, Count - 1 & (larger.Length - 1));
    }

    /// <summary>Moves the fields to the front; twice the capacity is room enough for this to be rare.</summary>
    private void Compact(int more)
    {
        var live = Size - Count * Overhead;
        var start = Count == 0 ? _end : _entries[(_newest - Count + 1) & (_entries.Length - 1)].At;
        var target = live + more > _bytes.Length / 2 ? new byte[Math.Min(Math.Max(256, (live + more) * 4), Math.Max(live + more, Capacity * 2))] : _bytes;
        _bytes.AsSpan(start, live).CopyTo(target);
        for (var i = 0; i < Count; i++) _entries[(_newest - i) & (_entries.Length - 1)].At -= start;
        (_bytes, _end) = (target, live);
    }
}
