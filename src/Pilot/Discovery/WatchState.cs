using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Discovery;

/// <summary>What one proxy asked for of one type, and what it was sent. Owned by the proxy's stream; debug pages read single fields.</summary>
internal sealed class WatchState
{
    /// <summary>The names that it asked for; null for everything.</summary>
    public HashSet<string>? Names { get; set; }

    /// <summary>What it has of a type of which it has everything.</summary>
    public ResourceList Whole { get; set; } = ResourceList.Empty;

    /// <summary>What it has of a type of which it names the resources.</summary>
    public Dictionary<string, EncodedResource> Named { get; } = new(StringComparer.Ordinal);

    /// <summary>Names that its next request must be answered with, even if they did not change: it may be warming something.</summary>
    public HashSet<string> Due { get; } = new(StringComparer.Ordinal);

    public string NonceSent { get; set; } = "";
    public string NonceAcked { get; set; } = "";
    public string VersionSent { get; set; } = "";
    public string VersionAcked { get; set; } = "";

    /// <summary>Why it refused what it was sent last; empty when it did not.</summary>
    public string Error { get; set; } = "";

    public bool Wants(string name) => Names == null || Names.Contains(name);
}
