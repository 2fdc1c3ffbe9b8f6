using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>What the routes of a VirtualService depend on beside the VirtualService: the only door to it.</summary>
internal interface IRouteLookups
{
    /// <summary>The service that a destination names, as far as the place of the routes knows it.</summary>
    Service? FindService(string hostname);

    /// <summary>The DestinationRule of a destination.</summary>
    DestinationRuleEntry? FindRule(string hostname);
}

/// <summary>
/// Notes every answer, so that what was made with them can be used again wherever the same questions have the same answers:
/// a cache key that cannot be incomplete. Owned by one builder.
/// </summary>
internal sealed class RecordedLookups(IRouteLookups source) : IRouteLookups
{
    private readonly List<(bool OfService, string Hostname, object? Answer)> _answers = [];

    public Service? FindService(string hostname)
    {
        var answer = source.FindService(hostname);
        Note(true, hostname, answer);
        return answer;
    }

    public DestinationRuleEntry? FindRule(string hostname)
    {
        var answer = source.FindRule(hostname);
        Note(false, hostname, answer);
        return answer;
    }

    public bool HoldFor(IRouteLookups other)
    {
        foreach (var (ofService, hostname, answer) in _answers)
            if (!ReferenceEquals(ofService ? other.FindService(hostname) : other.FindRule(hostname), answer)) return false;
        return true;
    }

    private void Note(bool ofService, string hostname, object? answer)
    {
        if (!_answers.Contains((ofService, hostname, answer))) _answers.Add((ofService, hostname, answer));
    }
}
