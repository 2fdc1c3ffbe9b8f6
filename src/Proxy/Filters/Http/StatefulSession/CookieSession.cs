using System.Globalization;
using System.Text;
using Envoy.Type.Http.V3;
using Google.Protobuf;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Http.Router;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Filters.Http.StatefulSession;

/// <summary>
/// A cookie whose value is Base64 of a message: the address and, for a cookie with a lifetime, when it ends. Immutable. Source:
/// envoy.extensions.http.stateful_session.cookie.v3 and Envoy's source/extensions/http/stateful_session/cookie (field 1 of the message is
/// the address, field 2 the end in seconds since 1970).
/// </summary>
internal sealed class CookieSession : ISessionState
{
    private const uint AddressTag = 1 << 3 | 2, EndTag = 2 << 3 | 0;
    private readonly byte[] _name;
    private readonly byte[] _path;
    private readonly long? _seconds;
    private readonly string _attributes;

    public CookieSession(Cookie? cookie, string path)
    {
        if (cookie is not { Name.Length: > 0 }) throw new ConfigRefusedException(path + ".name", "is empty");
        (_name, _path, _seconds) = (Encoding.ASCII.GetBytes(cookie.Name), Encoding.ASCII.GetBytes(cookie.Path), Durations.Ms(cookie.Ttl) / 1000);
        var text = new StringBuilder();
        if (_seconds > 0) text.Append(CultureInfo.InvariantCulture, $"; Max-Age={_seconds}");
        if (cookie.Path.Length > 0) text.Append("; Path=").Append(cookie.Path);
        foreach (var attribute in cookie.Attributes) text.Append("; ").Append(attribute.Name).Append(attribute.Value.Length > 0 ? "=" + attribute.Value : "");
        _attributes = text.Append("; HttpOnly").ToString();
    }

    public string? Find(HeaderMap request)
    {
        if (!Covers(request[KnownHeader.Path]) || RequestHash.Cookie(request, _name) is not { IsEmpty: false } value || SessionText.DecodeBytes(value) is not { } bytes) return null;
        return TryRead(bytes, out var address, out var end) ? end > 0 && end < DateTimeOffset.UtcNow.ToUnixTimeSeconds() ? null : address : Encoding.UTF8.GetString(bytes);
    }

    public void Tell(HeaderMap request, HeaderMap response, string address, DateTime now)
    {
        if (!Covers(request[KnownHeader.Path])) return;
        using var message = new MemoryStream();
        var output = new CodedOutputStream(message);
        output.WriteTag(AddressTag);
        output.WriteString(address);
        if (_seconds > 0)
        {
            output.WriteTag(EndTag);
            output.WriteInt64(new DateTimeOffset(now).ToUnixTimeSeconds() + _seconds.Value);
        }
        output.Flush();
        response.Add(KnownHeader.SetCookie, [.. _name, .. "=\""u8, .. Encoding.ASCII.GetBytes(Convert.ToBase64String(message.ToArray())), (byte)'"', .. Encoding.ASCII.GetBytes(_attributes)]);
    }

    /// <summary>The cookie's path covers that of the request. Source: RFC 6265 section 5.1.4.</summary>
    private bool Covers(ReadOnlySpan<byte> target)
    {
        if (_path.Length == 0 || _path is [(byte)'/']) return true;
        var end = target.IndexOfAny((byte)'?', (byte)'#');
        var path = end < 0 ? target : target[..end];
        return path.StartsWith(_path) && (path.Length == _path.Length || _path[^1] == '/' || path[_path.Length] == '/');
    }

    /// <summary>False for the older form, which is the bare address.</summary>
    private static bool TryRead(byte[] bytes, out string address, out long end)
    {
        (address, end) = ("", 0);
        try
        {
            var input = new CodedInputStream(bytes);
            for (uint tag; (tag = input.ReadTag()) != 0;)
                if (tag == AddressTag) address = input.ReadString();
                else if (tag == EndTag) end = input.ReadInt64();
                else return false;
            return address.Length > 0;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
