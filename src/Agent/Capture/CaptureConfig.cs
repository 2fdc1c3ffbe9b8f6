namespace Lateen.Agent.Capture;

/// <summary>Which traffic of a pod goes through its proxy. Immutable. Source: inventory IPT; today's istio-iptables.</summary>
public sealed record CaptureConfig
{
    /// <summary>Where outbound connections go.</summary>
    public int OutboundPort { get; init; } = 15001;

    /// <summary>Where inbound connections go.</summary>
    public int InboundPort { get; init; } = 15006;

    /// <summary>Port of tunnelled traffic, never captured.</summary>
    public int TunnelPort { get; init; } = 15008;

    /// <summary>Users whose own traffic is not captured: the proxy's.</summary>
    public IReadOnlyList<string> ProxyUsers { get; init; } = ["1337"];

    /// <summary>Groups whose own traffic is not captured.</summary>
    public IReadOnlyList<string> ProxyGroups { get; init; } = ["1337"];

    /// <summary>"*" or ports; empty captures nothing inbound.</summary>
    public string InboundPorts { get; init; } = "";

    /// <summary>Ports that "*" leaves out.</summary>
    public IReadOnlyList<string> ExcludedInboundPorts { get; init; } = [];

    /// <summary>"*" or address ranges; empty captures nothing outbound by address.</summary>
    public string OutboundRanges { get; init; } = "";

    /// <summary>Ranges that are left out.</summary>
    public IReadOnlyList<string> ExcludedOutboundRanges { get; init; } = [];

    /// <summary>Ports that are captured whatever the address.</summary>
    public IReadOnlyList<string> IncludedOutboundPorts { get; init; } = [];

    /// <summary>Ports that are left out.</summary>
    public IReadOnlyList<string> ExcludedOutboundPorts { get; init; } = [];

    /// <summary>Interfaces whose traffic is left out.</summary>
    public IReadOnlyList<string> ExcludedInterfaces { get; init; } = [];
}
