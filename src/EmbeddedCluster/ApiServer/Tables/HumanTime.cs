using System.Globalization;

namespace Lateen.EmbeddedCluster.ApiServer.Tables;

/// <summary>Ages and durations in kubectl's short form: 45s, 3m20s, 5h, 12d.</summary>
internal static class HumanTime
{
    /// <summary>Time since a timestamp; "&lt;unknown&gt;" when there is none.</summary>
    public static string Since(string? timestamp, DateTimeOffset now) =>
        Parse(timestamp) is { } time ? Duration(now - time) : "<unknown>";

    public static DateTimeOffset? Parse(string? timestamp) =>
        DateTimeOffset.TryParse(timestamp, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    public static string Duration(TimeSpan time)
    {
        var seconds = (long)time.TotalSeconds;
        if (seconds < -1) return "<invalid>";
        if (seconds < 0) return "0s";
        if (seconds < 60 * 2) return $"{seconds}s";
        var minutes = seconds / 60;
        if (minutes < 10) return Pair(minutes, "m", seconds % 60, "s");
        if (minutes < 60 * 3) return $"{minutes}m";
        var hours = minutes / 60;
        if (hours < 8) return Pair(hours, "h", minutes % 60, "m");
        if (hours < 48) return $"{hours}h";
        if (hours < 24 * 8) return Pair(hours / 24, "d", hours % 24, "h");
        if (hours < 24 * 365 * 2) return $"{hours / 24}d";
        if (hours < 24 * 365 * 8) return Pair(hours / 24 / 365, "y", hours / 24 % 365, "d");
        return $"{hours / 24 / 365}y";
    }

    private static string Pair(long first, string unit, long rest, string restUnit) => rest == 0 ? $"{first}{unit}" : $"{first}{unit}{rest}{restUnit}";
}
