using Microsoft.Extensions.Logging;

namespace Lateen.Config.Sources;

internal static partial class SourcesLog
{
    [LoggerMessage(1, LogLevel.Warning, "refused {Item} of {Source}, the last good state stays: {Problem}")]
    public static partial void Rejected(ILogger logger, string item, string source, string problem);

    [LoggerMessage(2, LogLevel.Warning, "{Item} of {Source}: {Warning}")]
    public static partial void Warned(ILogger logger, string item, string source, string warning);

    [LoggerMessage(3, LogLevel.Warning, "cannot read {File}: {Problem}")]
    public static partial void Unreadable(ILogger logger, string file, string problem);

    [LoggerMessage(4, LogLevel.Information, "read {Count} objects from {Directory}")]
    public static partial void Loaded(ILogger logger, int count, string directory);

    [LoggerMessage(5, LogLevel.Warning, "cannot find out which kinds the API server has, trying again: {Problem}")]
    public static partial void Undiscovered(ILogger logger, string problem);
}
