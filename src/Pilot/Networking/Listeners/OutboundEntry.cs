using System.Collections.Immutable;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Networking.Listeners;

/// <summary>One filter chain of a listener and what connections it takes. Immutable; equal by value.</summary>
internal sealed record ChainSpec
{
    public HttpChain? Http { get; init; }
    public TcpChain? Tcp { get; init; }
    public Names ServerNames { get; init; } = Names.None;
    public Names Ranges { get; init; } = Names.None;

    /// <summary>Application protocols of TLS (ALPN) that it takes; none for any.</summary>
    public Names Protocols { get; init; } = Names.None;

    /// <summary>Takes only connections that turned out to speak HTTP.</summary>
    public bool DetectsHttp { get; init; }

    /// <summary>The operator's object that it comes from; empty for none.</summary>
    public string MetadataPath { get; init; } = "";

    public bool MatchesAll => ServerNames.Count == 0 && Ranges.Count == 0 && Protocols.Count == 0 && !DetectsHttp;

    /// <summary>Whether some connection would find both.</summary>
    public bool ConflictsWith(ChainSpec other) =>
        DetectsHttp == other.DetectsHttp && ServerNames.Equals(other.ServerNames) && Ranges.Equals(other.Ranges) && Protocols.Equals(other.Protocols);
}

/// <summary>A list of names that is equal to another of the same names. Immutable.</summary>
internal sealed class Names(IEnumerable<string> values) : IEquatable<Names>
{
    public static readonly Names None = new([]);

    private readonly ImmutableArray<string> _values = [.. values];

    public int Count => _values.Length;

    public IEnumerable<string> All => _values;

    public bool Equals(Names? other) => other != null && _values.AsSpan().SequenceEqual(other._values.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as Names);

    public override int GetHashCode() => _values.Length == 0 ? 0 : HashCode.Combine(_values.Length, _values[0]);
}

/// <summary>An outbound listener while services are put into it. Owned by one build.</summary>
internal sealed class OutboundEntry(string bind, int port, bool bindsToPort, PortProtocol protocol, IEnumerable<ChainSpec> chains)
{
    public string Bind { get; } = bind;
    public int Port { get; } = port;
    public bool BindsToPort { get; } = bindsToPort;
    public List<ChainSpec> Chains { get; } = [.. chains];

    /// <summary><see cref="PortProtocol.Unsupported"/> once chains of several protocols stand side by side.</summary>
    public PortProtocol Protocol { get; set; } = protocol;

    /// <summary>Belongs to an earlier egress listener of a Sidecar: later services have no part in it.</summary>
    public bool IsLocked { get; set; }

    /// <summary>Adds the chains that take other connections than those which are there; the first has a connection.</summary>
    public void Merge(IEnumerable<ChainSpec> chains)
    {
        foreach (var chain in chains)
            if (!Chains.Exists(c => c.ConflictsWith(chain))) Chains.Add(chain);
    }
}
