using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Model;

/// <summary>How a proxy finds the endpoints of a service.</summary>
internal enum Resolution
{
    /// <summary>Pilot sends them (EDS).</summary>
    ClientSide,

    /// <summary>The proxy resolves names, and uses every address.</summary>
    Dns,

    /// <summary>The proxy resolves names, and uses one address at a time.</summary>
    DnsRoundRobin,

    /// <summary>The client has chosen the address already.</summary>
    Passthrough,

    /// <summary>The service is another name of another service (ExternalName).</summary>
    Alias,
}

/// <summary>Where a service comes from; Kubernetes wins over a ServiceEntry of the same name.</summary>
internal enum RegistryKind { Kubernetes, External }

/// <summary>A service as proxies see it. Immutable: a changed service is a new object, and that identity is what results are cached by.</summary>
internal sealed class Service
{
    public const string UnspecifiedAddress = "0.0.0.0";

    public required string Hostname { get; init; }
    public required string Name { get; init; }
    public required string Namespace { get; init; }
    public required RegistryKind Registry { get; init; }
    public required IReadOnlyList<ServicePort> Ports { get; init; }
    public Resolution Resolution { get; init; }

    /// <summary>Virtual addresses, single ones and ranges; empty for headless services and for entries without addresses.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    public bool IsMeshExternal { get; init; }
    public DateTimeOffset Created { get; init; }
    public Visibility ExportedTo { get; init; } = Visibility.Public;
    public IReadOnlyDictionary<string, string> Labels { get; init; } = Model.Labels.None;

    /// <summary>The labels of the workloads behind the service; null when it has no selector.</summary>
    public IReadOnlyDictionary<string, string>? Selector { get; init; }

    /// <summary>The host that an <see cref="Model.Resolution.Alias"/> stands for.</summary>
    public string AliasOf { get; init; } = "";

    /// <summary>Host names of services that stand for this one.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    public bool PublishesNotReady { get; init; }

    /// <summary>The operator's object, for messages.</summary>
    public string Source { get; init; } = "";

    /// <summary>What was generated from this service, kept as long as it lives. Any thread.</summary>
    public GeneratedCache Generated { get; } = new();

    public bool IsHeadless => Addresses.Count == 0 && Resolution == Resolution.Passthrough;

    /// <summary>The address for listeners: the first that is not a range, else the first, else unspecified.</summary>
    public string PrimaryAddress => Addresses.Count == 0 ? UnspecifiedAddress : Addresses[0];

    public ServicePort? PortByNumber(int port)
    {
        foreach (var candidate in Ports)
            if (candidate.Port == port) return candidate;
        return null;
    }

    /// <summary>This service with other ports or aliases; the same object for the same ones, since results are cached by identity.</summary>
    public Service WithPorts(IReadOnlyList<ServicePort> ports) =>
        Generated.Get(("ports", string.Join(",", ports.Select(p => p.Port))), (Service: this, ports), static s => s.Service.Copy(s.ports, s.Service.Aliases));

    /// <inheritdoc cref="WithPorts"/>
    public Service WithAliases(IReadOnlyList<string> aliases) =>
        Generated.Get(("aliases", string.Join(",", aliases)), (Service: this, aliases), static s => s.Service.Copy(s.Service.Ports, s.aliases));

    /// <summary>Equality of everything that reaches a proxy.</summary>
    public bool SameAs(Service other) =>
        Hostname == other.Hostname && Name == other.Name && Namespace == other.Namespace && Registry == other.Registry
        && Resolution == other.Resolution && IsMeshExternal == other.IsMeshExternal && Created == other.Created && AliasOf == other.AliasOf
        && PublishesNotReady == other.PublishesNotReady && Ports.SequenceEqual(other.Ports) && Addresses.SequenceEqual(other.Addresses)
        && ExportedTo.SameAs(other.ExportedTo) && Model.Labels.Equal(Labels, other.Labels)
        && (Selector == null ? other.Selector == null : other.Selector != null && Model.Labels.Equal(Selector, other.Selector));

    public override string ToString() => $"{Hostname} ({Namespace})";

    private Service Copy(IReadOnlyList<ServicePort> ports, IReadOnlyList<string> aliases) => new()
    {
        Hostname = Hostname, Name = Name, Namespace = Namespace, Registry = Registry, Ports = ports, Resolution = Resolution,
        Addresses = Addresses, IsMeshExternal = IsMeshExternal, Created = Created, ExportedTo = ExportedTo, Labels = Labels,
        Selector = Selector, AliasOf = AliasOf, Aliases = aliases, PublishesNotReady = PublishesNotReady, Source = Source,
    };
}
