using Google.Protobuf.WellKnownTypes;

namespace Lateen.Pilot.Networking;

/// <summary>Durations that resources share. Nobody changes them.</summary>
internal static class Durations
{
    public static readonly Duration Zero = new();

    public static Duration Seconds(long seconds) => new() { Seconds = seconds };

    public static bool IsZero(this Duration duration) => duration is { Seconds: 0, Nanos: 0 };
}
