using System.Text;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Expressions;
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
        (ResponseFlags.Unauthorized, "UAEX", "UnauthorizedExternalService"), (ResponseFlags.RateLimitServiceError, "RLSE", "RateLimitServiceError"),
        (ResponseFlags.NoFilterConfig, "NFCF", "NoFilterConfigFound"),
    ];

    private static readonly HashSet<string> NeedArgument = new(StringComparer.Ordinal)
    {
        "REQ", "REQUEST_HEADER", "RESP", "RESPONSE_HEADER", "TRAILER", "RESPONSE_TRAILER", "REQ_WITHOUT_QUERY", "DYNAMIC_METADATA", "CLUSTER_METADATA", "METADATA", "FILTER_STATE", "ENVIRONMENT", "CEL",
    };

    private static readonly HashSet<string> TakeNoArgument = new(StringComparer.Ordinal)
    {
        "PROTOCOL", "RESPONSE_CODE", "RESPONSE_FLAGS", "RESPONSE_FLAGS_LONG", "BYTES_RECEIVED", "BYTES_SENT", "DURATION", "REQUEST_DURATION", "REQUEST_TX_DURATION", "RESPONSE_DURATION", "RESPONSE_TX_DURATION",
        "UPSTREAM_HOST", "UPSTREAM_CLUSTER", "UPSTREAM_LOCAL_ADDRESS", "DOWNSTREAM_REMOTE_ADDRESS", "DOWNSTREAM_LOCAL_ADDRESS", "REQUESTED_SERVER_NAME", "ROUTE_NAME", "CONNECTION_ID", "HOSTNAME",
        "CONNECTION_TERMINATION_DETAILS", "UPSTREAM_TRANSPORT_FAILURE_REASON", "UPSTREAM_REQUEST_ATTEMPT_COUNT",
    };

    /// <summary>Refuses an operator without the parameters that it needs, or with some that mean nothing to it.</summary>
    public static void Check(string name, string argument, string path)
    {
        if (argument.Length == 0 && NeedArgument.Contains(name)) throw new Compile.ConfigRefusedException(path, $"the operator {name} needs parameters");
        if (argument.Length > 0 && TakeNoArgument.Contains(name)) throw new Compile.ConfigRefusedException(path, $"the operator {name} takes no parameters");
        if (argument.Count(c => c == '?') > 1 && name is "REQ" or "RESP" or "TRAILER") throw new Compile.ConfigRefusedException(path, $"the operator {name} has more than one alternative: {argument}");
    }

    private static readonly byte[] HostName = Encoding.UTF8.GetBytes(Environment.MachineName);

    /// <summary>The writer of an operator, and whether it gives a number; null for an unknown name.</summary>
    public static (FormatString.Operator? Write, bool IsNumber) Find(string name, string argument, string path) => name switch
    {
        "START_TIME" => (TimeOperators.Moment(argument, static info => info.StartUtc, path), false),
        "EMIT_TIME" => (TimeOperators.Moment(argument, static _ => DateTime.UtcNow, path), false),
        "REQ" or "REQUEST_HEADER" => (Header(argument, static (in FormatContext c) => c.Request), false),
        "RESP" or "RESPONSE_HEADER" => (Header(argument, static (in FormatContext c) => c.Response), false),
        "TRAILER" or "RESPONSE_TRAILER" => (Header(argument, static (in FormatContext c) => c.ResponseTrailers), false),
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
        "METADATA" => (FactOperators.AnyMetadata(argument, path), false),
        "CLUSTER_METADATA" => (FactOperators.AnyMetadata("CLUSTER:" + argument, path), false),
        "GRPC_STATUS" => (Grpc(argument), false),
        "GRPC_STATUS_NUMBER" => ((ByteBuilder o, in FormatContext c) => GrpcStatus.Of(c.ResponseTrailers, c.Response) is >= 0 and var status && Number(o, status), true),
        "ENVIRONMENT" => (Literal(Environment.GetEnvironmentVariable(argument.Split(':')[0]) ?? ""), false),
        "ACCESS_LOG_TYPE" => ((ByteBuilder o, in FormatContext c) => Text(o, c.Info.IsTcp ? "TcpConnectionEnd" : "DownstreamEnd"), false),
        "REQUEST_HEADERS_BYTES" => ((ByteBuilder o, in FormatContext c) => Number(o, c.Request.ByteSize), true),
        "RESPONSE_HEADERS_BYTES" => ((ByteBuilder o, in FormatContext c) => Number(o, c.Response.ByteSize), true),
        "RESPONSE_TRAILERS_BYTES" => ((ByteBuilder o, in FormatContext c) => Number(o, c.ResponseTrailers?.ByteSize ?? 0), true),
        "COMMON_DURATION" => (TimeOperators.Duration(argument, path), true),
        "REQ_WITHOUT_QUERY" => (Header(argument, static (in FormatContext c) => c.Request, withoutQuery: true), false),
        "CEL" => (Cel(argument, path), false),
        _ => (TlsOperators.Find(name, argument, path), false),
    };

    private delegate HeaderMap? Chooser(in FormatContext context);

    /// <summary>The first header that is there; the alternative comes behind a question mark.</summary>
    private static FormatString.Operator Header(string argument, Chooser choose, bool withoutQuery = false)
    {
        var names = argument.Split('?').Select(name => Encoding.ASCII.GetBytes(name.Trim().ToLowerInvariant())).ToArray();
        return (ByteBuilder output, in FormatContext context) =>
        {
            if (choose(context) is not { } map) return false;
            foreach (var name in names)
                if (map.TryGet(name, out var value))
                    return Escaped(output, withoutQuery && value.IndexOf((byte)'?') is >= 0 and var query ? value[..query] : value);
            return false;
        };
    }

    private static FormatString.Operator Literal(string text) => (ByteBuilder o, in FormatContext _) => Text(o, text);

    private static FormatString.Operator Cel(string argument, string path)
    {
        var expression = CelParser.Parse(argument, path);
        return (ByteBuilder o, in FormatContext c) => expression.Evaluate(c).Print() is { } text && Text(o, text);
    }

    /// <summary>grpc-status in words: camel case, or SNAKE_STRING or NUMBER.</summary>
    private static FormatString.Operator Grpc(string form) => (ByteBuilder o, in FormatContext c) =>
        GrpcStatus.Of(c.ResponseTrailers, c.Response) is >= 0 and var status && Text(o, form switch
        {
            "SNAKE_STRING" => GrpcStatus.SnakeNameOf(status),
            "NUMBER" => status.ToString(System.Globalization.CultureInfo.InvariantCulture),
            _ => GrpcStatus.NameOf(status),
        });

    /// <summary>The flag behind a short name; null for a name that nothing sets.</summary>
    public static ResponseFlags? FlagOf(string word)
    {
        foreach (var (flag, shortName, _) in FlagNames)
            if (shortName == word)
                return flag;
        return null;
    }

    /// <summary>The flags as the log has them; a dash for none.</summary>
    public static string FlagsText(ResponseFlags flags)
    {
        if (flags == ResponseFlags.None) return "-";
        var text = new ByteBuilder();
        Flags(text, flags, longNames: false);
        return Encoding.ASCII.GetString(text.Span);
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
