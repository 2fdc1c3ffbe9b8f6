using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Filters.Policies;

/// <summary>What a policy judges: a request, or a connection, which has no headers and no route.</summary>
internal readonly ref struct PolicySubject(StreamInfo info, HeaderMap headers, Envoy.Config.Core.V3.Metadata? routeMetadata)
{
    /// <summary>Stands for the headers of a connection.</summary>
    public static readonly HeaderMap NoHeaders = new();

    public StreamInfo Info { get; } = info;

    public HeaderMap Headers { get; } = headers;

    public Envoy.Config.Core.V3.Metadata? RouteMetadata { get; } = routeMetadata;

    /// <summary>The path without query; empty for a connection.</summary>
    public ReadOnlySpan<byte> Path
    {
        get
        {
            var target = Headers[KnownHeader.Path];
            var end = target.IndexOfAny((byte)'?', (byte)'#');
            return end < 0 ? target : target[..end];
        }
    }
}

/// <summary>A compiled condition. Immutable; allocates nothing when asked.</summary>
internal delegate bool PolicyCondition(in PolicySubject subject);
