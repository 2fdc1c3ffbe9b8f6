using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Tracing;

/// <summary>Why a request is traced; all proxies on its way agree by the letter that stands for it in x-request-id.</summary>
internal enum TraceReason
{
    None,
    Sampled,

    /// <summary>x-envoy-force-trace.</summary>
    Forced,

    /// <summary>x-client-trace-id.</summary>
    ByClient,
}

/// <summary>
/// The decision inside x-request-id: the digit that says the version of a UUID says the reason instead. Source: Envoy,
/// source/extensions/request_id/uuid.
/// </summary>
internal static class PackedReason
{
    private const int Length = 36, Place = 14;

    public static TraceReason Read(ReadOnlySpan<byte> id) => id.Length != Length ? TraceReason.None : id[Place] switch
    {
        (byte)'9' => TraceReason.Sampled,
        (byte)'a' => TraceReason.Forced,
        (byte)'b' => TraceReason.ByClient,
        _ => TraceReason.None,
    };

    /// <summary>Puts a reason into the request's id; ids of another form stay as they are.</summary>
    public static void Write(HeaderMap request, TraceReason reason)
    {
        var id = request[KnownHeader.RequestId];
        if (id.Length != Length) return;
        Span<byte> changed = stackalloc byte[Length];
        id.CopyTo(changed);
        changed[Place] = reason switch
        {
            TraceReason.Sampled => (byte)'9',
            TraceReason.Forced => (byte)'a',
            TraceReason.ByClient => (byte)'b',
            _ => (byte)'4',
        };
        request.Set(KnownHeader.RequestId, changed);
    }
}
