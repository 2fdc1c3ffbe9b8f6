using Microsoft.Extensions.Logging;

namespace Lateen.Pilot.Discovery;

/// <summary>What the scope "ads" logs.</summary>
internal static partial class DiscoveryLog
{
    [LoggerMessage(1, LogLevel.Information, "ADS: new {Protocol} connection for node {Id} from {Peer}")]
    public static partial void Connected(ILogger log, string protocol, string id, string peer);

    [LoggerMessage(2, LogLevel.Information, "ADS: {Id} is gone: {Reason}")]
    public static partial void Disconnected(ILogger log, string id, string reason);

    [LoggerMessage(3, LogLevel.Warning, "ADS:{Type}: {Id} refused version {Version}: {Error}")]
    public static partial void Rejected(ILogger log, string type, string id, string version, string error);

    [LoggerMessage(4, LogLevel.Information, "{Type}: PUSH for node {Id} resources: {Count} removed: {Removed} size: {Size} version: {Version}")]
    public static partial void Pushed(ILogger log, string type, string id, int count, int removed, long size, string version);

    [LoggerMessage(5, LogLevel.Debug, "ADS:{Type}: {Id} accepted {Version}")]
    public static partial void Accepted(ILogger log, string type, string id, string version);

    [LoggerMessage(6, LogLevel.Debug, "ADS:{Type}: {Id} sent the nonce {Nonce}, which is not the last one")]
    public static partial void Stale(ILogger log, string type, string id, string nonce);

    [LoggerMessage(7, LogLevel.Debug, "ADS: {Id} asks for {TypeUrl}, which Pilot does not serve")]
    public static partial void UnknownType(ILogger log, string id, string typeUrl);

    [LoggerMessage(8, LogLevel.Information, "Push debounce stable: {Changes} changes, version {Version}, full: {Full}, {Connected} proxies, compiled in {Milliseconds} ms")]
    public static partial void Compiled(ILogger log, int changes, string version, bool full, int connected, long milliseconds);

    [LoggerMessage(9, LogLevel.Error, "compiling {Changes} changes failed; proxies keep what they have")]
    public static partial void CompileFailed(ILogger log, Exception error, int changes);

    [LoggerMessage(10, LogLevel.Error, "generating {Type} for {Id} failed; the proxy keeps what it has")]
    public static partial void GenerateFailed(ILogger log, Exception error, string type, string id);

    [LoggerMessage(11, LogLevel.Warning, "{Problem}")]
    public static partial void Problem(ILogger log, string problem);
}
