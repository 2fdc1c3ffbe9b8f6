namespace Lateen.Proxy.Http.Headers;

/// <summary>
/// The headers of one message, pseudo-headers included, in the order in which they came. Names are lower case. All bytes
/// are copied into the map's own arena, so that it outlives the buffer that it was read from. Reused from request to
/// request without allocating. Owned by one worker.
/// </summary>
internal sealed class HeaderMap
{
    private const int FirstArena = 2048;
    private const int LargestKeptArena = 64 * 1024;
    private readonly short[] _firstOf = new short[(int)KnownHeader.Count];
    private byte[] _arena = new byte[FirstArena];
    private Entry[] _entries = new Entry[32];
    private int _used;
    private int _slots;

    private struct Entry
    {
        public int Name, NameLength, Value, ValueLength;
        public KnownHeader Known;
        public bool Removed;
    }

    /// <summary>Number of headers, pseudo-headers included.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of names and values that were added since the last clear.</summary>
    public int ByteSize => _used;

    /// <summary>Number of places to enumerate with <see cref="TryAt"/>; some may be empty.</summary>
    public int Places => _slots;

    /// <summary>Forgets everything; keeps the room.</summary>
    public void Clear()
    {
        (_used, _slots, Count) = (0, 0, 0);
        Array.Clear(_firstOf);
        if (_arena.Length > LargestKeptArena) _arena = new byte[FirstArena];
    }

    /// <summary>The header at a place; false when it was removed.</summary>
    public bool TryAt(int place, out KnownHeader known, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        ref var entry = ref _entries[place];
        known = entry.Known;
        name = _arena.AsSpan(entry.Name, entry.NameLength);
        value = _arena.AsSpan(entry.Value, entry.ValueLength);
        return !entry.Removed;
    }

    public bool Has(KnownHeader header) => _firstOf[(int)header] != 0;

    /// <summary>The first value of a known header; empty when it is absent.</summary>
    public ReadOnlySpan<byte> this[KnownHeader header]
    {
        get
        {
            var at = _firstOf[(int)header];
            if (at == 0) return default;
            ref var entry = ref _entries[at - 1];
            return _arena.AsSpan(entry.Value, entry.ValueLength);
        }
    }

    public bool TryGet(KnownHeader header, out ReadOnlySpan<byte> value)
    {
        value = this[header];
        return _firstOf[(int)header] != 0;
    }

    /// <summary>The first value of a header by its lower-case name.</summary>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var place = Find(name, 0);
        value = place < 0 ? default : ValueAt(place);
        return place >= 0;
    }

    /// <summary>How often a header is there.</summary>
    public int CountOf(ReadOnlySpan<byte> name)
    {
        var count = 0;
        for (var place = Find(name, 0); place >= 0; place = Find(name, place + 1)) count++;
        return count;
    }

    /// <summary>The place of the next header of a name, from a place on; -1 when there is none.</summary>
    public int Find(ReadOnlySpan<byte> name, int from)
    {
        var known = KnownHeaders.Find(name);
        if (known != KnownHeader.Unknown)
        {
            if (_firstOf[(int)known] == 0) return -1;
            for (var place = Math.Max(from, _firstOf[(int)known] - 1); place < _slots; place++)
                if (_entries[place].Known == known && !_entries[place].Removed)
                    return place;
            return -1;
        }
        for (var place = from; place < _slots; place++)
        {
            ref var entry = ref _entries[place];
            if (entry.Known == KnownHeader.Unknown && !entry.Removed && entry.NameLength == name.Length && _arena.AsSpan(entry.Name, name.Length).SequenceEqual(name))
                return place;
        }
        return -1;
    }

    public ReadOnlySpan<byte> ValueAt(int place) => _arena.AsSpan(_entries[place].Value, _entries[place].ValueLength);

    /// <summary>Adds a header; others of the same name stay. The name is lower case.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var at = Copy(name);
        Place(KnownHeaders.Find(name), at, name.Length, Copy(value), value.Length);
    }

    public void Add(KnownHeader header, ReadOnlySpan<byte> value)
    {
        var name = KnownHeaders.NameOf(header);
        var at = Copy(name);
        Place(header, at, name.Length, Copy(value), value.Length);
    }

    /// <summary>Adds a header whose number was found already.</summary>
    public void AddKnown(KnownHeader known, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var at = Copy(name);
        Place(known, at, name.Length, Copy(value), value.Length);
    }

    /// <summary>Adds a header whose name is turned to lower case on the way in.</summary>
    public KnownHeader AddLowering(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Reserve(name.Length + value.Length);
        var target = _arena.AsSpan(_used, name.Length);
        for (var i = 0; i < name.Length; i++)
        {
            var b = name[i];
            target[i] = (uint)(b - 'A') <= 'Z' - 'A' ? (byte)(b | 0x20) : b;
        }
        var known = KnownHeaders.Find(target);
        var at = _used;
        _used += name.Length;
        Place(known, at, name.Length, Copy(value), value.Length);
        return known;
    }

    /// <summary>Leaves exactly one header of the name, with this value, at the place of the first.</summary>
    public void Set(KnownHeader header, ReadOnlySpan<byte> value)
    {
        var at = _firstOf[(int)header];
        if (at == 0)
        {
            Add(header, value);
            return;
        }
        var copy = Copy(value);
        ref var entry = ref _entries[at - 1];
        (entry.Value, entry.ValueLength) = (copy, value.Length);
        RemoveFrom(KnownHeaders.NameOf(header), at);
    }

    /// <inheritdoc cref="Set(KnownHeader, ReadOnlySpan{byte})"/>
    public void Set(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var place = Find(name, 0);
        if (place < 0)
        {
            Add(name, value);
            return;
        }
        var copy = Copy(value);
        ref var entry = ref _entries[place];
        (entry.Value, entry.ValueLength) = (copy, value.Length);
        RemoveFrom(name, place + 1);
    }

    public bool Remove(KnownHeader header) => Has(header) && RemoveFrom(KnownHeaders.NameOf(header), 0);

    /// <summary>Removes all headers of a name.</summary>
    public bool Remove(ReadOnlySpan<byte> name) => RemoveFrom(name, 0);

    /// <summary>Removes all headers whose name begins so.</summary>
    public void RemovePrefix(ReadOnlySpan<byte> prefix)
    {
        for (var place = 0; place < _slots; place++)
            if (TryAt(place, out _, out var name, out _) && name.StartsWith(prefix))
                RemoveAt(place);
    }

    /// <summary>Takes over the headers of another map.</summary>
    public void CopyFrom(HeaderMap other)
    {
        Clear();
        for (var place = 0; place < other._slots; place++)
            if (other.TryAt(place, out var known, out var name, out var value))
            {
                var at = Copy(name);
                Place(known, at, name.Length, Copy(value), value.Length);
            }
    }

    private bool RemoveFrom(ReadOnlySpan<byte> name, int from)
    {
        var any = false;
        for (var place = Find(name, from); place >= 0; place = Find(name, place + 1))
        {
            RemoveAt(place);
            any = true;
        }
        return any;
    }

    private void RemoveAt(int place)
    {
        ref var entry = ref _entries[place];
        entry.Removed = true;
        Count--;
        if (entry.Known == KnownHeader.Unknown || _firstOf[(int)entry.Known] != place + 1) return;
        var known = entry.Known;
        _firstOf[(int)known] = 0;
        for (var later = place + 1; later < _slots; later++)
            if (_entries[later].Known == known && !_entries[later].Removed)
            {
                _firstOf[(int)known] = (short)(later + 1);
                return;
            }
    }

    private void Place(KnownHeader known, int name, int nameLength, int value, int valueLength)
    {
        if (_slots == _entries.Length) Array.Resize(ref _entries, _slots * 2);
        _entries[_slots++] = new Entry { Known = known, Name = name, NameLength = nameLength, Value = value, ValueLength = valueLength };
        Count++;
        if (known != KnownHeader.Unknown && _firstOf[(int)known] == 0) _firstOf[(int)known] = (short)_slots;
    }

    private int Copy(ReadOnlySpan<byte> bytes)
    {
        // The source may lie in the arena itself: growing keeps the old array alive for the span.
        Reserve(bytes.Length);
        bytes.CopyTo(_arena.AsSpan(_used));
        _used += bytes.Length;
        return _used - bytes.Length;
    }

    private void Reserve(int more)
    {
        if (_used + more > _arena.Length) Array.Resize(ref _arena, Math.Max(_arena.Length * 2, _used + more));
    }
}
