using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Connections;

/// <summary>
/// Brings a path into the one form that routing, policy and the upstream see: escapes of unreserved characters are resolved,
/// backslashes become slashes, dot segments are removed, and slashes merged when asked. Source: RFC 3986 section 6.2.2; Envoy's
/// normalize_path; hostile row C1.
/// </summary>
internal static class PathNormalizer
{
    /// <summary>False when the path cannot be normalised: it climbs above the root or holds an escaped NUL.</summary>
    public static bool Normalize(HeaderMap request, ByteBuilder scratch, bool mergeSlashes)
    {
        var target = request[KnownHeader.Path];
        var end = target.IndexOfAny((byte)'?', (byte)'#');
        var path = end < 0 ? target : target[..end];
        if (path.IsEmpty || path[0] != '/') return true;
        if (!NeedsWork(path, mergeSlashes)) return true;
        scratch.Clear();
        for (var i = 0; i < path.Length;)
        {
            // One segment: from its slash to the next.
            var start = scratch.Length;
            scratch.Append((byte)'/');
            for (i++; i < path.Length && path[i] is not ((byte)'/' or (byte)'\\'); i++)
            {
                var b = path[i];
                if (b == '%' && i + 2 < path.Length && TryHex(path[i + 1], path[i + 2], out var decoded))
                {
                    if (decoded == 0) return false;
                    if (IsUnreserved(decoded))
                    {
                        scratch.Append(decoded);
                        i += 2;
                        continue;
                    }
                }
                scratch.Append(b);
            }
            var segment = scratch.Span[(start + 1)..];
            if (segment.SequenceEqual("."u8))
            {
                scratch.Truncate(start);
                if (i >= path.Length) scratch.Append((byte)'/');
            }
            else if (segment.SequenceEqual(".."u8))
            {
                scratch.Truncate(start);
                var parent = scratch.Span.LastIndexOf((byte)'/');
                scratch.Truncate(Math.Max(0, parent));
                if (i >= path.Length) scratch.Append((byte)'/');
            }
            else if (mergeSlashes && segment.IsEmpty && i < path.Length) scratch.Truncate(start);
        }
        if (scratch.Length == 0) scratch.Append((byte)'/');
        if (end >= 0) scratch.Append(target[end..]);
        request.Set(KnownHeader.Path, scratch.Span);
        return true;
    }

    /// <summary>Turns escaped slashes and backslashes into what they stand for; false when there are none. Source: Envoy's path_with_escaped_slashes_action.</summary>
    public static bool UnescapeSlashes(HeaderMap request, ByteBuilder scratch)
    {
        var target = request[KnownHeader.Path];
        var end = target.IndexOfAny((byte)'?', (byte)'#');
        var path = end < 0 ? target : target[..end];
        if (!HasEscapedSlash(path)) return false;
        scratch.Clear();
        for (var i = 0; i < path.Length; i++)
            if (HasEscapedSlashAt(path, i, out var slash))
            {
                scratch.Append(slash);
                i += 2;
            }
            else scratch.Append(path[i]);
        if (end >= 0) scratch.Append(target[end..]);
        request.Set(KnownHeader.Path, scratch.Span);
        return true;
    }

    private static bool HasEscapedSlash(ReadOnlySpan<byte> path)
    {
        for (var i = path.IndexOf((byte)'%'); i >= 0 && i < path.Length; i++)
            if (HasEscapedSlashAt(path, i, out _))
                return true;
        return false;
    }

    private static bool HasEscapedSlashAt(ReadOnlySpan<byte> path, int at, out byte slash)
    {
        slash = 0;
        return path[at] == '%' && at + 2 < path.Length && TryHex(path[at + 1], path[at + 2], out slash) && slash is (byte)'/' or (byte)'\\';
    }

    private static bool NeedsWork(ReadOnlySpan<byte> path, bool mergeSlashes) =>
        path.ContainsAny((byte)'%', (byte)'\\') || path.IndexOf("/."u8) >= 0 || mergeSlashes && path.IndexOf("//"u8) >= 0;

    private static bool IsUnreserved(byte b) => char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~';

    private static bool TryHex(byte high, byte low, out byte value)
    {
        int h = Hex(high), l = Hex(low);
        value = (byte)(h << 4 | l);
        return h >= 0 && l >= 0;
    }

    private static int Hex(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => -1,
    };
}
