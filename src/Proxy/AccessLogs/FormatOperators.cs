using System.Text;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Network;

namespace Lateen.Proxy.AccessLogs;

/// <summary>The catalogue of format operators.</summary>
internal static class FormatOperators
{
    private static readonly (ResponseFlags Flag, string Short, string Long)[] FlagNames =
    [
        (ResponseFlags.NoHealthyUpstream, "UH", "NoHealthyUpstream"), (ResponseFlags.ConnectFailure, "UF", "UpstreamConnectionFailure"),
        (ResponseFlags.UpstreamOverflow, "UO", "UpstreamOverflow"), (ResponseFlags.NoRoute, "NR", "NoRouteFound"),
        (ResponseFlags.RetryLimitExceeded, "URX", "UpstreamRetryLimitExceeded"), (ResponseFlags.NoCluster, "NC", "NoClusterFound"),
        (ResponseFlags.DownstreamTermination, "DC", "DownstreamConnectionTermination"), (ResponseFlags.UpstreamTermination, "UC", "UpstreamConnectionTermination"),
        (ResponseFlags.UpstreamTimeout, "UT", "UpstreamRequestTimeout"), (ResponseFlags.StreamIdleTimeout, "SI", "StreamIdleTimeout"),
        (ResponseFlags.DelayInjected, "DI", "DelayInjected"), (ResponseFlags.FaultInjected, "FI", "FaultInjected"),
        (ResponseFlags.DownstreamProtocolError, "DPE", "DownstreamProtocolError"), (ResponseFlags.UpstreamProtocolError, "UPE", "UpstreamProtocolError"),
        (ResponseFlags.UpstreamRemoteReset, "UR", "UpstreamRemoteReset"), (ResponseFlags.DurationTimeout, "DT", "DurationTimeout"),
        (ResponseFlags.OverloadManager, "OM", "OverloadManagerTerminated"), (ResponseFlags.RateLimited, "RL", "RateLimited"),
        (ResponseFlags.Unauthorized, "UAEX", "UnauthorizedExternalService"),
    ];

    private static readonly byte[] HostName = Encoding.UTF8.GetBytes(Environment.MachineName);

    /// <summary>The writer of an operator, and whether it gives a number; null for an unknown name.</summary>
    public static (FormatString.Operator? Write, bool IsNumber) Find(string name, string argument) => name switch
    {
        "START_TIME" => (StartTime(argument), false),
        "EMIT_TIME" => ((ByteBuilder o, in FormatContext _) => Say(o, DateTime.UtcNow, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'"), false),
        "REQ" or "REQUEST_HEADER" => (Header(argument, static (in FormatContext c) => c.Request), false),
        "RESP" or "RESPONSE_HEADER" => (Header(argument, static (in FormatContext c) => c.Response), false),
        "TRAILER" => ((ByteBuilder _, in FormatContext _) => false, false),
        "PROTOCOL" => ((ByteBuilder o, in FormatContext c) => Text(o, c.Info.Protocol), false),
        "RESPONSE_CODE" => ((ByteBuilder o, in FormatContext c) => Number(o, c.Info.Status), true),
        "RESPONSE_CODE_DETAILS" => ((ByteBuilder o, in FormatContext c) => Text(o, c.Info.Details), false),
        "CONNECTION_TERMINATION_DETAILS" => ((ByteBuilder o, in FormatContext c) => Text(o, c.Info.ConnectionTermination), false),
        "RESPONSE_FLAGS" => ((ByteBuilder o, in FormatContext c) => Flags(o, c.Info.Flags, false), false),
        "RESPONSE_FLAGS_LONG" => ((ByteBuilder o, in FormatContext c) => Flags(o, c.Info.Flags, true), false),
        "BYTES_RECEIVED" => ((ByteBuilder o, in FormatContext c) => Number(o, c.Info.BytesReceived), true),
        "BYTES_SENT" => ((ByteBuilder o, in FormatContext c) => Number(o, c.Info.BytesSent), true),
        "DURATION" => ((ByteBuilder o, in FormatContext c) => Since(o, c.Info.Start, c.Info.End), true),
        "REQUEST_DURATION" => ((ByteBuilder o, in FormatContext c) => Since(o, c.Info.Start, c.Info.RequestEnd), true),
        "REQUEST_TX_DURATION" => ((ByteBuilder o, in FormatContext c) => Since(o, c.Info.Start, c.Info.UpstreamRequestEnd), true),
        "RESPONSE_DURATION" => ((ByteBuilder o, in FormatContext c) => Since(o, c.Info.Start, c.Info.UpstreamFirstByte), true),
        "RESPONSE_TX_DURATION" => ((ByteBuilder o, in FormatContext c) => c.Info.UpstreamFirstByte > 0 && Since(o, c.Info.UpstreamFirstByte, c.Info.End), true),
        "UPSTREAM_HOST" or "UPSTREAM_REMOTE_ADDRESS" => ((ByteBuilder o, in FormatContext c) => c.Info.UpstreamHost is { } host && Text(o, host.Text), false),
        "UPSTREAM_HOST_NAME" => ((ByteBuilder o, in FormatContext c) => c.Info.UpstreamHost is { } host && Text(o, host.Hostname.Length > 0 ? host.Hostname : host.Text), false),
        "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT" => ((ByteBuilder o, in FormatContext c) => c.Info.UpstreamHost is { } host && Address(o, host.Address, false), false),
        "UPSTREAM_REMOTE_PORT" => ((ByteBuilder o, in FormatContext c) => c.Info.UpstreamHost is { } host && Number(o, host.Address.Port), true),
        "UPSTREAM_CLUSTER" or "UPSTREAM_CLUSTER_RAW" => ((ByteBuilder o, in FormatContext c) => Text(o, c.Info.Cluster), false),
        "UPSTREAM_LOCAL_ADDRESS" => ((ByteBuilder o, in FormatContext c) => Address(o, c.Info.UpstreamLocal, true), false),
        "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT" => ((ByteBuilder o, in FormatContext c) => Address(o, c.Info.UpstreamLocal, false), false),
        "UPSTREAM_LOCAL_PORT" => ((ByteBuilder o, in FormatContext c) => !c.Info.UpstreamLocal.IsNone && Number(o, c.Info.UpstreamLocal.Port), true),
        "UPSTREAM_TRANSPORT_FAILURE_REASON" => ((ByteBuilder o, in FormatContext c) => Text(o, c.Info.TransportFailure), false),
        "UPSTREAM_REQUEST_ATTEMPT_COUNT" => ((ByteBuilder o, in FormatContext c) => Number(o, c.Info.Attempts), true),
        "DOWNSTREAM_REMOTE_ADDRESS" => ((ByteBuilder o, in FormatContext c) => Address(o, c.Info.DownstreamRemote, true), false),
        "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT" => ((ByteBuilder o, in FormatContext c) => Address(o, c.Info.DownstreamRemote, false), false),
        "DOWNSTREAM_REMOTE_PORT" => ((ByteBuilder o, in FormatContext c) => Number(o, c.Info.DownstreamRemote.Port), true),
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS" => ((ByteBuilder o, in FormatContext c) => Address(o, c.Info.DownstreamDirectRemote, true), false),
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT" => ((ByteBuilder o, in FormatContext c) => Address(o, c.Info.DownstreamDirectRemote, false), false),
        "DOWNSTREAM_LOCAL_ADDRESS" => ((ByteBuilder o, in FormatContext c) => Address(o, c.Info.DownstreamLocal, true), false),
        "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT" => ((ByteBuilder o, in FormatContext c) => Address(o, c.Info.DownstreamLocal, false), false),
        "DOWNSTREAM_LOCAL_PORT" => ((ByteBuilder o, in FormatContext c) => Number(o, c.Info.DownstreamLocal.Port), true),
        "REQUESTED_SERVER_NAME" => ((ByteBuilder o, in FormatContext c) => Text(o, c.Info.RequestedServerName), false),
        "ROUTE_NAME" => ((ByteBuilder o, in FormatContext c) => Text(o, c.Info.RouteName), false),
        "CONNECTION_ID" => ((ByteBuilder o, in FormatContext c) => Number(o, (long)c.Info.ConnectionId), true),
        "HOSTNAME" => ((ByteBuilder o, in FormatContext _) => Bytes(o, HostName), false),
        "TRACE_ID" => (TraceId, false),
        "STREAM_ID" => ((ByteBuilder o, in FormatContext c) => Escaped(o, c.Request[KnownHeader.RequestId]), false),
        "DYNAMIC_METADATA" => (FactOperators.Metadata(argument), false),
        "FILTER_STATE" => (FactOperators.State(argument), false),
        // Nothing fills these yet.
        "CLUSTER_METADATA" or "ROUTE_METADATA" or "UPSTREAM_METADATA" or "METADATA" or "GRPC_STATUS" or "GRPC_STATUS_NUMBER" or "VIRTUAL_CLUSTER_NAME"
            or "DOWNSTREAM_TLS_VERSION" or "DOWNSTREAM_TLS_CIPHER" or "DOWNSTREAM_PEER_SUBJECT" or "DOWNSTREAM_PEER_URI_SAN" or "DOWNSTREAM_LOCAL_URI_SAN" or "DOWNSTREAM_PEER_CERT"
            or "DOWNSTREAM_PEER_SERIAL" or "DOWNSTREAM_PEER_ISSUER" or "DOWNSTREAM_LOCAL_SUBJECT" or "DOWNSTREAM_TRANSPORT_FAILURE_REASON" or "UPSTREAM_TLS_VERSION" or "UPSTREAM_PEER_URI_SAN"
            or "UPSTREAM_PEER_SUBJECT" => ((ByteBuilder _, in FormatContext _) => false, false),
        _ => (null, false),
    };

    private delegate HeaderMap Chooser(in FormatContext context);

    /// <summary>The first header that is there; the alternative comes behind a question mark.</summary>
    private static FormatString.Operator Header(string argument, Chooser choose)
    {
        var names = argument.Split('?').Select(name => Encoding.ASCII.GetBytes(name.Trim().ToLowerInvariant())).ToArray();
        return (ByteBuilder output, in FormatContext context) =>
        {
            var map = choose(context);
            foreach (var name in names)
                if (map.TryGet(name, out var value))
                    return Escaped(output, value);
            return false;
        };
    }

    private static FormatString.Operator StartTime(string format)
    {
        if (format.Length == 0) return (ByteBuilder o, in FormatContext c) => Say(o, c.Info.StartUtc, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'");
        var net = StrftimeFormat.ToNet(format);
        return (ByteBuilder o, in FormatContext c) => Say(o, c.Info.StartUtc, net);
    }

    private static bool TraceId(ByteBuilder output, in FormatContext context)
    {
        // version-traceid-spanid-flags (W3C Trace Context section 3.2).
        if (context.Request.TryGet(KnownHeader.TraceParent, out var parent) && parent.Length >= 35) return Escaped(output, parent.Slice(3, 32));
        return context.Request.TryGet(KnownHeader.B3TraceId, out var b3) && Escaped(output, b3);
    }

    private static bool Flags(ByteBuilder output, ResponseFlags flags, bool longNames)
    {
        if (flags == ResponseFlags.None) return false;
        var first = true;
        // URX stands before the failure that used up the tries, as Envoy writes it.
        foreach (var (flag, shortName, longName) in FlagNames.OrderByDescending(row => row.Flag == ResponseFlags.RetryLimitExceeded))
        {
            if ((flags & flag) == 0) continue;
            if (!first) output.Append((byte)',');
            first = false;
            output.Append(longNames ? longName : shortName);
        }
        return true;
    }

    private static bool Text(ByteBuilder output, string text)
    {
        if (text.Length == 0) return false;
        output.Append(text);
        return true;
    }

    private static bool Number(ByteBuilder output, long value)
    {
        output.Append(value);
        return true;
    }

    private static bool Since(ByteBuilder output, long start, long end)
    {
        if (end == 0) return false;
        output.Append(end - start);
        return true;
    }

    private static bool Say(ByteBuilder output, DateTime time, string format)
    {
        output.Append(time, format);
        return true;
    }

    private static bool Address(ByteBuilder output, in SocketAddress address, bool withPort)
    {
        if (address.IsNone) return false;
        output.Append(address, withPort);
        return true;
    }

    private static bool Bytes(ByteBuilder output, ReadOnlySpan<byte> bytes)
    {
        output.Append(bytes);
        return true;
    }

    /// <summary>Quotes and bytes outside printable ASCII are written as \xHH, so that nobody can write log lines of their own.</summary>
    private static bool Escaped(ByteBuilder output, ReadOnlySpan<byte> value)
    {
        foreach (var b in value)
            if (b is >= 0x20 and < 0x7f and not (byte)'"') output.Append(b);
            else if (b >= 0x80) output.Append(b);
            else
            {
                output.Append("\\x"u8);
                output.Append((byte)"0123456789abcdef"[b >> 4]);
                output.Append((byte)"0123456789abcdef"[b & 15]);
            }
        return !value.IsEmpty;
    }
}

/// <summary>Turns strftime's letters into .NET's.</summary>
internal static class StrftimeFormat
{
    public static string ToNet(string format)
    {
        var result = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append('\\').Append(format[i]);
                continue;
            }
            var letters = format[++i];
            var digits = "";
            if (char.IsAsciiDigit(letters) && i + 1 < format.Length)
            {
                digits = letters.ToString();
                letters = format[++i];
            }
            result.Append(letters switch
            {
                'Y' => "yyyy",
                'y' => "yy",
                'm' => "MM",
                'd' => "dd",
                'H' => "HH",
                'M' => "mm",
                'S' => "ss",
                'f' => new string('f', digits is "" ? 7 : Math.Clamp(digits[0] - '0', 1, 7)),
                'b' => "MMM",
                'a' => "ddd",
                'F' => "yyyy'-'MM'-'dd",
                'T' => "HH':'mm':'ss",
                'z' => "'+0000'",
                'Z' => "'UTC'",
                '%' => "'%'",
                _ => $"\\{letters}",
            });
        }
        return result.ToString();
    }
}
