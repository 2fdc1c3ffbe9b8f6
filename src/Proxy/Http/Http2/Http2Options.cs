using Envoy.Config.Core.V3;

namespace Lateen.Proxy.Http.Http2;

/// <summary>
/// Settings of the HTTP/2 codec, compiled. Immutable. Times in milliseconds, 0 for none; sizes in bytes. The defaults are those of
/// Envoy's guide for edge proxies, which are far below Envoy's own. Source: envoy.config.core.v3.Http2ProtocolOptions.
/// </summary>
internal sealed record Http2Options
{
    public static readonly Http2Options Default = new();

    /// <summary>Dynamic table that the peer may use.</summary>
    public int TableSize { get; init; } = 4096;

    /// <summary>Streams that a client may have open; for an upstream, that we open on one connection.</summary>
    public int MaxConcurrentStreams { get; init; } = 100;

    /// <summary>Bytes of one stream that the peer may send before we have dealt with them.</summary>
    public int StreamWindow { get; init; } = 64 * 1024;

    /// <inheritdoc cref="StreamWindow"/>
    public int ConnectionWindow { get; init; } = 1024 * 1024;

    /// <summary>Clients may open tunnels by CONNECT with a protocol (RFC 8441).</summary>
    public bool AllowConnect { get; init; }

    /// <summary>Frames that may wait to be sent.</summary>
    public int MaxOutboundFrames { get; init; } = 10_000;

    /// <summary>PING and SETTINGS acknowledgements and resets that may wait to be sent.</summary>
    public int MaxOutboundControlFrames { get; init; } = 1000;

    /// <summary>Frames without content that may follow each other.</summary>
    public int MaxConsecutiveEmptyFrames { get; init; } = 1;

    public int MaxPriorityFramesPerStream { get; init; } = 100;

    public int MaxWindowUpdatesPerDataFrame { get; init; } = 10;

    /// <summary>A malformed message ends its stream alone rather than the connection.</summary>
    public bool StreamErrorOnInvalidMessage { get; init; } = true;

    /// <summary>Time between pings.</summary>
    public long PingIntervalMs { get; init; }

    /// <summary>Time within which a ping must be answered.</summary>
    public long PingTimeoutMs { get; init; }

    /// <summary>A ping goes out before the first request after so long a rest.</summary>
    public long PingAfterIdleMs { get; init; }

    /// <summary>Compiles the message; null gives the defaults.</summary>
    /// <exception cref="Compile.ConfigRefusedException">A value is out of its range or not supported.</exception>
    public static Http2Options Compile(Http2ProtocolOptions? options, string path, int defaultStreams = 100)
    {
        if (options is null) return Default with { MaxConcurrentStreams = defaultStreams };
        if (options.AllowMetadata) throw new Lateen.Proxy.Compile.ConfigRefusedException(path + ".allow_metadata", "is not supported");
        if (options.CustomSettingsParameters.Count > 0) throw new Lateen.Proxy.Compile.ConfigRefusedException(path + ".custom_settings_parameters", "are not supported");
        var keepAlive = options.ConnectionKeepalive;
        return new Http2Options
        {
            TableSize = Within(options.HpackTableSize, 4096, 0, 1 << 20, path + ".hpack_table_size"),
            MaxConcurrentStreams = Within(options.MaxConcurrentStreams, (uint)defaultStreams, 1, int.MaxValue, path + ".max_concurrent_streams"),
            StreamWindow = Within(options.InitialStreamWindowSize, 64 * 1024, 65535, int.MaxValue, path + ".initial_stream_window_size"),
            ConnectionWindow = Within(options.InitialConnectionWindowSize, 1024 * 1024, 65535, int.MaxValue, path + ".initial_connection_window_size"),
            AllowConnect = options.AllowConnect,
            MaxOutboundFrames = Within(options.MaxOutboundFrames, 10_000, 1, int.MaxValue, path + ".max_outbound_frames"),
            MaxOutboundControlFrames = Within(options.MaxOutboundControlFrames, 1000, 1, int.MaxValue, path + ".max_outbound_control_frames"),
            MaxConsecutiveEmptyFrames = Within(options.MaxConsecutiveInboundFramesWithEmptyPayload, 1, 0, int.MaxValue, path + ".max_consecutive_inbound_frames_with_empty_payload"),
            MaxPriorityFramesPerStream = Within(options.MaxInboundPriorityFramesPerStream, 100, 0, int.MaxValue, path + ".max_inbound_priority_frames_per_stream"),
            MaxWindowUpdatesPerDataFrame =
                Within(options.MaxInboundWindowUpdateFramesPerDataFrameSent, 10, 1, int.MaxValue, path + ".max_inbound_window_update_frames_per_data_frame_sent"),
#pragma warning disable CS0612 // The older field is still sent.
            StreamErrorOnInvalidMessage = options.OverrideStreamErrorOnInvalidHttpMessage ?? (options.StreamErrorOnInvalidHttpMessaging || Default.StreamErrorOnInvalidMessage),
#pragma warning restore CS0612
            PingIntervalMs = Lateen.Proxy.Compile.Durations.Ms(keepAlive?.Interval) ?? 0,
            PingTimeoutMs = Lateen.Proxy.Compile.Durations.Ms(keepAlive?.Timeout) ?? 0,
            PingAfterIdleMs = Lateen.Proxy.Compile.Durations.Ms(keepAlive?.ConnectionIdleInterval) ?? 0,
        };
    }

    private static int Within(uint? given, uint otherwise, long least, long most, string path)
    {
        var value = given ?? otherwise;
        return value >= least && value <= most ? (int)value : throw new Lateen.Proxy.Compile.ConfigRefusedException(path, $"{value} is not between {least} and {most}");
    }
}
