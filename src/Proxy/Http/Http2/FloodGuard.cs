using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Http.Http2;

/// <summary>
/// Counts frames that cost a peer little and us much, and says when there are too many of them. Owned by one connection. Source:
/// Envoy's protocol constraints (Http2ProtocolOptions), CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316.
/// </summary>
internal struct FloodGuard
{
    private const int FirstWindowUpdates = 5;
    private const int LeastResets = 100;
    private const int LeastContinuations = 32;
    private const long PrematureMs = 1000;
    private int _emptyInARow, _priorities, _windowUpdates, _continuations, _resets;

    /// <summary>Streams that were opened.</summary>
    public long Opened { get; set; }

    /// <summary>DATA frames that we have sent.</summary>
    public long DataSent { get; set; }

    /// <summary>A frame of DATA, HEADERS or CONTINUATION came; false for one empty frame too many.</summary>
    public bool OnContent(bool isEmpty, Http2Options options)
    {
        if (!isEmpty) _emptyInARow = 0;
        else if (++_emptyInARow > options.MaxConsecutiveEmptyFrames) return false;
        return true;
    }

    public bool OnPriority(Http2Options options) => ++_priorities <= options.MaxPriorityFramesPerStream * (1 + Opened);

    public bool OnWindowUpdate(Http2Options options) => ++_windowUpdates <= FirstWindowUpdates + 2 * (Opened + options.MaxWindowUpdatesPerDataFrame * DataSent);

    public void OnHeaders() => _continuations = 0;

    /// <summary>A block may be spread over many frames, but not over frames of a few bytes each.</summary>
    public bool OnContinuation(int blockBytes) => ++_continuations <= LeastContinuations + blockBytes / 64;

    /// <summary>
    /// The peer has ended a stream, by a reset or by an error of its own making, before it was served; false when most of its streams end
    /// so: it makes us begin work that it does not want.
    /// </summary>
    public bool OnReset(long lifetimeMs) => lifetimeMs >= PrematureMs || ++_resets < LeastResets || _resets * 2L < Opened;

    /// <summary>What a full output means; null while it is not full.</summary>
    public static int? Outbound(Http2Output output, Http2Options options) =>
        output.ControlFrames > options.MaxOutboundControlFrames ? Http2Stats.OutboundControlFlood
        : output.Frames > options.MaxOutboundFrames ? Http2Stats.OutboundFlood
        : null;
}
