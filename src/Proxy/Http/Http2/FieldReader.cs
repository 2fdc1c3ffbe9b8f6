using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http2.Hpack;

namespace Lateen.Proxy.Http.Http2;

/// <summary>What a header block is the head or the tail of.</summary>
internal enum BlockKind
{
    Request,
    Response,
    Trailers,
}

/// <summary>
/// Puts the fields of a header block into a map, and judges them: what is malformed, what is too much. Once something is too much,
/// nothing more is copied, but the block is read to its end for the sake of the table. Owned by one connection. Source: RFC 9113
/// sections 8.2 and 8.3, RFC 8441 section 4.
/// </summary>
internal sealed class FieldReader : IFieldSink
{
    private HeaderMap _map = null!;
    private BlockKind _kind;
    private int _mostBytes, _mostFields, _bytes, _fields;
    private bool _regularSeen;

    /// <summary>The block is one that RFC 9113 calls malformed.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>There are more fields or bytes than the settings allow.</summary>
    public bool IsTooLarge { get; private set; }

    /// <summary>The announced length of the body; -1 when there is none.</summary>
    public long ContentLength { get; private set; }

    public void Begin(HeaderMap map, BlockKind kind, int mostBytes, int mostFields)
    {
        map.Clear();
        (_map, _kind, _mostBytes, _mostFields, _bytes, _fields, _regularSeen) = (map, kind, mostBytes, mostFields, 0, 0, false);
        (IsMalformed, IsTooLarge, ContentLength) = (false, false, -1);
    }

    public void OnField(KnownHeader known, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (IsTooLarge) return;
        _bytes += name.Length + value.Length;
        if (_bytes > _mostBytes || name.IsEmpty || name[0] != ':' && ++_fields > _mostFields)
        {
            if (name.IsEmpty) IsMalformed = true;
            else IsTooLarge = true;
            return;
        }
        if (!HttpText.IsFieldValue(value) || value is [(byte)' ' or (byte)'\t', ..] or [.., (byte)' ' or (byte)'\t'])
        {
            IsMalformed = true;
            return;
        }
        if (name[0] == ':')
        {
            // Pseudo-headers come first and once, and only those of the kind.
            if (_regularSeen || _map.Has(known) || !IsAllowed(known)) IsMalformed = true;
            else _map.AddKnown(known, name, value);
            return;
        }
        _regularSeen = true;
        switch (known)
        {
            case KnownHeader.Unknown:
                if (!HttpText.IsToken(name) || HasUpperCase(name)) IsMalformed = true;
                break;
            case KnownHeader.Connection or KnownHeader.KeepAlive or KnownHeader.ProxyConnection or KnownHeader.TransferEncoding or KnownHeader.Upgrade:
                IsMalformed = true;
                break;
            case KnownHeader.Te:
                if (!HttpText.EqualsIgnoreCase(value, "trailers"u8)) IsMalformed = true;
                break;
            case KnownHeader.ContentLength:
                if (!HttpText.TryParseLength(value, out var length) || ContentLength >= 0 && ContentLength != length) IsMalformed = true;
                if (ContentLength >= 0) return;
                ContentLength = length;
                break;
        }
        if (!IsMalformed) _map.AddKnown(known, name, value);
    }

    /// <summary>Judges the block as a whole, once all fields are there.</summary>
    public void Finish()
    {
        if (IsMalformed || IsTooLarge) return;
        if (_kind == BlockKind.Response) IsMalformed = _map[KnownHeader.Status].Length != 3;
        else if (_kind == BlockKind.Request)
        {
            FinishRequest();
            if (!IsMalformed) JoinCookies();
        }
    }

    private void FinishRequest()
    {
        var isConnect = _map[KnownHeader.Method].SequenceEqual("CONNECT"u8);
        if (_map.TryGet("host"u8, out var host))
        {
            if (!_map.TryGet(KnownHeader.Authority, out var authority)) _map.AddKnown(KnownHeader.Authority, KnownHeaders.NameOf(KnownHeader.Authority), host);
            else if (!HttpText.EqualsIgnoreCase(authority, host) && !authority.SequenceEqual(host)) IsMalformed = true;
            _map.Remove("host"u8);
        }
        if (isConnect && !_map.Has(KnownHeader.Protocol))
        {
            IsMalformed |= _map.Has(KnownHeader.Scheme) || _map.Has(KnownHeader.Path) || _map[KnownHeader.Authority].IsEmpty;
            return;
        }
        var path = _map[KnownHeader.Path];
        IsMalformed |= _map.Has(KnownHeader.Protocol) && !isConnect || !HttpText.IsToken(_map[KnownHeader.Method]) || _map[KnownHeader.Scheme].IsEmpty || path.IsEmpty
            || path[0] != '/' && !(path is [(byte)'*'] && _map[KnownHeader.Method].SequenceEqual("OPTIONS"u8)) || !HttpText.IsTarget(path)
            || _map[KnownHeader.Authority].ContainsAny((byte)'@', (byte)'/', (byte)' ');
    }

    /// <summary>A cookie may come in pieces (section 8.2.3); HTTP/1 has room for one.</summary>
    private void JoinCookies()
    {
        if (!_map.Has(KnownHeader.Cookie)) return;
        var place = _map.Find("cookie"u8, 0);
        if (_map.Find("cookie"u8, place + 1) < 0) return;
        var joined = new List<byte>();
        for (; place >= 0; place = _map.Find("cookie"u8, place + 1))
        {
            if (joined.Count > 0) joined.AddRange("; "u8);
            joined.AddRange(_map.ValueAt(place));
        }
        _map.Set(KnownHeader.Cookie, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(joined));
    }

    private bool IsAllowed(KnownHeader known) => _kind switch
    {
        BlockKind.Request => known is KnownHeader.Method or KnownHeader.Scheme or KnownHeader.Path or KnownHeader.Authority or KnownHeader.Protocol,
        BlockKind.Response => known == KnownHeader.Status,
        _ => false,
    };

    private static bool HasUpperCase(ReadOnlySpan<byte> name) => name.ContainsAnyInRange((byte)'A', (byte)'Z');
}
