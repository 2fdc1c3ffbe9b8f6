using System.Text;

namespace Lateen.Proxy.Http.Headers;

/// <summary>The headers that the proxy itself reads or writes, as numbers, so that finding one is an array access.</summary>
internal enum KnownHeader : byte
{
    Unknown,
    Method,
    Path,
    Authority,
    Scheme,
    Protocol,
    Status,
    Connection,
    ContentLength,
    ContentType,
    TransferEncoding,
    Te,
    Trailer,
    Upgrade,
    KeepAlive,
    ProxyConnection,
    Expect,
    Date,
    Server,
    Location,
    Origin,
    UserAgent,
    Cookie,
    SetCookie,
    Authorization,
    Via,
    Vary,
    Referer,
    GrpcStatus,
    GrpcMessage,
    GrpcTimeout,
    RequestId,
    ForwardedFor,
    ForwardedProto,
    ForwardedHost,
    ForwardedPort,
    ForwardedClientCert,
    ClientTraceId,
    EnvoyInternal,
    EnvoyExternalAddress,
    EnvoyAttemptCount,
    EnvoyExpectedTimeout,
    EnvoyUpstreamTime,
    EnvoyOverloaded,
    EnvoyOriginalPath,
    EnvoyOriginalHost,
    EnvoyDecoratorOperation,
    EnvoyDownstreamCluster,
    EnvoyDownstreamNode,
    EnvoyRetryOn,
    EnvoyRetryGrpcOn,
    EnvoyMaxRetries,
    EnvoyTimeoutMs,
    EnvoyPerTryTimeoutMs,
    EnvoyRetriableStatusCodes,
    EnvoyRetriableHeaderNames,
    EnvoyHedgeOnPerTryTimeout,
    EnvoyRateLimited,
    EnvoyIpTags,
    EnvoyForceTrace,
    EnvoyImmediateHealthCheckFail,
    EnvoyDegraded,
    FaultAbort,
    FaultAbortPercentage,
    FaultDelay,
    FaultDelayPercentage,
    RequestMethod,
    RequestHeaders,
    AllowOrigin,
    AllowMethods,
    AllowHeaders,
    AllowCredentials,
    ExposeHeaders,
    MaxAge,
    TraceParent,
    B3TraceId,
    EndUser,
    IstioAttributes,
    Count,
}

/// <summary>Names of the known headers, both ways.</summary>
internal static class KnownHeaders
{
    private const int TableSize = 512;
    private static readonly byte[][] Names = Table();
    private static readonly byte[] FirstOfBucket = new byte[TableSize];
    private static readonly byte[] NextInBucket = new byte[(int)KnownHeader.Count];

    static KnownHeaders()
    {
        for (var id = 1; id < Names.Length; id++)
        {
            var bucket = Bucket(Names[id]);
            NextInBucket[id] = FirstOfBucket[bucket];
            FirstOfBucket[bucket] = (byte)id;
        }
    }

    /// <summary>The lower-case name.</summary>
    public static ReadOnlySpan<byte> NameOf(KnownHeader header) => Names[(int)header];

    /// <summary>The number of a lower-case name; <see cref="KnownHeader.Unknown"/> for all others.</summary>
    public static KnownHeader Find(ReadOnlySpan<byte> lowerCaseName)
    {
        if (lowerCaseName.IsEmpty) return KnownHeader.Unknown;
        for (var id = FirstOfBucket[Bucket(lowerCaseName)]; id != 0; id = NextInBucket[id])
            if (lowerCaseName.SequenceEqual(Names[id]))
                return (KnownHeader)id;
        return KnownHeader.Unknown;
    }

    private static int Bucket(ReadOnlySpan<byte> name) =>
        (name.Length * 53 + name[0] * 7 + name[^1] * 31 + name[name.Length / 2] * 101) & (TableSize - 1);

    private static byte[][] Table()
    {
        var names = new string[(int)KnownHeader.Count];
        names[(int)KnownHeader.Unknown] = "";
        void Add(KnownHeader header, string name) => names[(int)header] = name;
        Add(KnownHeader.Method, ":method");
        Add(KnownHeader.Path, ":path");
        Add(KnownHeader.Authority, ":authority");
        Add(KnownHeader.Scheme, ":scheme");
        Add(KnownHeader.Protocol, ":protocol");
        Add(KnownHeader.Status, ":status");
        Add(KnownHeader.Connection, "connection");
        Add(KnownHeader.ContentLength, "content-length");
        Add(KnownHeader.ContentType, "content-type");
        Add(KnownHeader.TransferEncoding, "transfer-encoding");
        Add(KnownHeader.Te, "te");
        Add(KnownHeader.Trailer, "trailer");
        Add(KnownHeader.Upgrade, "upgrade");
        Add(KnownHeader.KeepAlive, "keep-alive");
        Add(KnownHeader.ProxyConnection, "proxy-connection");
        Add(KnownHeader.Expect, "expect");
        Add(KnownHeader.Date, "date");
        Add(KnownHeader.Server, "server");
        Add(KnownHeader.Location, "location");
        Add(KnownHeader.Origin, "origin");
        Add(KnownHeader.UserAgent, "user-agent");
        Add(KnownHeader.Cookie, "cookie");
        Add(KnownHeader.SetCookie, "set-cookie");
        Add(KnownHeader.Authorization, "authorization");
        Add(KnownHeader.Via, "via");
        Add(KnownHeader.Vary, "vary");
        Add(KnownHeader.Referer, "referer");
        Add(KnownHeader.GrpcStatus, "grpc-status");
        Add(KnownHeader.GrpcMessage, "grpc-message");
        Add(KnownHeader.GrpcTimeout, "grpc-timeout");
        Add(KnownHeader.RequestId, "x-request-id");
        Add(KnownHeader.ForwardedFor, "x-forwarded-for");
        Add(KnownHeader.ForwardedProto, "x-forwarded-proto");
        Add(KnownHeader.ForwardedHost, "x-forwarded-host");
        Add(KnownHeader.ForwardedPort, "x-forwarded-port");
        Add(KnownHeader.ForwardedClientCert, "x-forwarded-client-cert");
        Add(KnownHeader.ClientTraceId, "x-client-trace-id");
        Add(KnownHeader.EnvoyInternal, "x-envoy-internal");
        Add(KnownHeader.EnvoyExternalAddress, "x-envoy-external-address");
        Add(KnownHeader.EnvoyAttemptCount, "x-envoy-attempt-count");
        Add(KnownHeader.EnvoyExpectedTimeout, "x-envoy-expected-rq-timeout-ms");
        Add(KnownHeader.EnvoyUpstreamTime, "x-envoy-upstream-service-time");
        Add(KnownHeader.EnvoyOverloaded, "x-envoy-overloaded");
        Add(KnownHeader.EnvoyOriginalPath, "x-envoy-original-path");
        Add(KnownHeader.EnvoyOriginalHost, "x-envoy-original-host");
        Add(KnownHeader.EnvoyDecoratorOperation, "x-envoy-decorator-operation");
        Add(KnownHeader.EnvoyDownstreamCluster, "x-envoy-downstream-service-cluster");
        Add(KnownHeader.EnvoyDownstreamNode, "x-envoy-downstream-service-node");
        Add(KnownHeader.EnvoyRetryOn, "x-envoy-retry-on");
        Add(KnownHeader.EnvoyRetryGrpcOn, "x-envoy-retry-grpc-on");
        Add(KnownHeader.EnvoyMaxRetries, "x-envoy-max-retries");
        Add(KnownHeader.EnvoyTimeoutMs, "x-envoy-upstream-rq-timeout-ms");
        Add(KnownHeader.EnvoyPerTryTimeoutMs, "x-envoy-upstream-rq-per-try-timeout-ms");
        Add(KnownHeader.EnvoyRetriableStatusCodes, "x-envoy-retriable-status-codes");
        Add(KnownHeader.EnvoyRetriableHeaderNames, "x-envoy-retriable-header-names");
        Add(KnownHeader.EnvoyHedgeOnPerTryTimeout, "x-envoy-hedge-on-per-try-timeout");
        Add(KnownHeader.EnvoyRateLimited, "x-envoy-ratelimited");
        Add(KnownHeader.EnvoyIpTags, "x-envoy-ip-tags");
        Add(KnownHeader.EnvoyForceTrace, "x-envoy-force-trace");
        Add(KnownHeader.EnvoyImmediateHealthCheckFail, "x-envoy-immediate-health-check-fail");
        Add(KnownHeader.EnvoyDegraded, "x-envoy-degraded");
        Add(KnownHeader.FaultAbort, "x-envoy-fault-abort-request");
        Add(KnownHeader.FaultAbortPercentage, "x-envoy-fault-abort-request-percentage");
        Add(KnownHeader.FaultDelay, "x-envoy-fault-delay-request");
        Add(KnownHeader.FaultDelayPercentage, "x-envoy-fault-delay-request-percentage");
        Add(KnownHeader.RequestMethod, "access-control-request-method");
        Add(KnownHeader.RequestHeaders, "access-control-request-headers");
        Add(KnownHeader.AllowOrigin, "access-control-allow-origin");
        Add(KnownHeader.AllowMethods, "access-control-allow-methods");
        Add(KnownHeader.AllowHeaders, "access-control-allow-headers");
        Add(KnownHeader.AllowCredentials, "access-control-allow-credentials");
        Add(KnownHeader.ExposeHeaders, "access-control-expose-headers");
        Add(KnownHeader.MaxAge, "access-control-max-age");
        Add(KnownHeader.TraceParent, "traceparent");
        Add(KnownHeader.B3TraceId, "x-b3-traceid");
        Add(KnownHeader.EndUser, "end-user");
        Add(KnownHeader.IstioAttributes, "x-istio-attributes");
        return [.. names.Select(Encoding.ASCII.GetBytes)];
    }
}
