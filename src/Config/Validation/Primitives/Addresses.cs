using System.Globalization;
using System.Net;

namespace Lateen.Config.Validation.Primitives;

/// <summary>IP addresses, ranges, ports and sockets as Go's netip reads them: no short forms, no leading zeros.</summary>
internal static class Addresses
{
    public static bool IsIp(string text)
    {
        if (text.Contains(':', StringComparison.Ordinal))
        {
            var zone = text.IndexOf('%', StringComparison.Ordinal);
            if (zone == text.Length - 1) return false;
            var bare = zone < 0 ? text : text[..zone];
            return !bare.AsSpan().ContainsAny('[', ']', '/') && IPAddress.TryParse(bare, out _);
        }
        return IsV4(text);
    }

    /// <summary>An address; 1.1 knew IPv4 alone.</summary>
    public static string? CheckIp(string text, bool original = false)
    {
        if (!IsIp(text)) return $"{text} is not a valid IP";
        return original && IsV6(text) ? $"{text} is not a valid IPv4 address" : null;
    }

    /// <summary>An address or a range; 1.1 knew IPv4 alone.</summary>
    public static string? CheckSubnet(string text, bool original)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || slash != text.LastIndexOf('/'))
        {
            if (CheckIp(text) is { } problem) return problem;
        }
        else if (!IsPrefix(text))
        {
            return $"{text} is not a valid CIDR block";
        }
        return original && IsV6(text) ? $"{text} is not a valid IPv4 address" : null;
    }

    public static bool IsPrefix(string text)
    {
        var slash = text.LastIndexOf('/');
        if (slash < 0) return false;
        var (address, bits) = (text[..slash], text[(slash + 1)..]);
        if (!IsIp(address) || address.Contains('%', StringComparison.Ordinal)) return false;
        return bits.Length is > 0 and <= 3 && (bits == "0" || bits[0] != '0')
            && int.TryParse(bits, NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            && length <= (address.Contains(':', StringComparison.Ordinal) ? 128 : 32);
    }

    public static string? CheckPort(long port) => port is >= 1 and <= 65535 ? null : $"port number {port} must be in the range 1..65535";

    /// <summary>The path of a Unix socket, or <c>@name</c> for an abstract one.</summary>
    public static string? CheckUnix(string path)
    {
        if (path.Length == 0) return "unix address must not be empty";
        if (path[0] == '@') return null;
        return path[0] != '/' || path[^1] == '/' ? $"{path} is not an absolute path to a file" : null;
    }

    /// <summary><c>host:port</c> or <c>[v6]:port</c>, as Go's net.SplitHostPort; null when it is neither, with the reason.</summary>
    public static (string Host, string Port)? Split(string address, out string error)
    {
        error = "";
        var colon = address.LastIndexOf(':');
        if (colon < 0)
        {
            error = $"address {address}: missing port in address";
            return null;
        }
        if (address[0] == '[')
        {
            var close = address.IndexOf(']', StringComparison.Ordinal);
            if (close < 0) error = $"address {address}: missing ']' in address";
            else if (close + 1 != colon) error = $"address {address}: missing port in address";
            return error.Length > 0 ? null : (address[1..close], address[(colon + 1)..]);
        }
        if (address.AsSpan(0, colon).Contains(':'))
        {
            error = $"address {address}: too many colons in address";
            return null;
        }
        return (address[..colon], address[(colon + 1)..]);
    }

    /// <summary>The address of a server that proxies call, <c>host:port</c>.</summary>
    public static string? CheckServer(string address)
    {
        if (Split(address, out var error) is not { } split) return $"unable to split \"{address}\": {error}";
        if (!int.TryParse(split.Port, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var port)) return $"port ({split.Port}) is not a number";
        if (CheckPort(port) is { } bad) return bad;
        return DnsNames.CheckFqdn(split.Host, original: false) is null || IsIp(split.Host) ? null : $"\"{split.Host}\" is not a valid hostname or an IP address";
    }

    /// <summary>An IPv4 address inside an IPv6 one counts as IPv4.</summary>
    private static bool IsV6(string text) => text.Contains(':', StringComparison.Ordinal) && !text.Contains('.', StringComparison.Ordinal);

    private static bool IsV4(string text)
    {
        var parts = text.Split('.');
        if (parts.Length != 4) return false;
        foreach (var part in parts)
        {
            if (part.Length is 0 or > 3 || (part.Length > 1 && part[0] == '0')) return false;
            foreach (var c in part)
                if (!char.IsAsciiDigit(c))
                    return false;
            if (int.Parse(part, CultureInfo.InvariantCulture) > 255) return false;
        }
        return true;
    }
}
