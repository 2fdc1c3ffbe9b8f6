namespace Lateen.Pilot.Model;

/// <summary>A port of a service. <see cref="TargetPort"/> is a number or the name of a container's port; empty means the same number.</summary>
internal sealed record ServicePort(string Name, int Port, PortProtocol Protocol, string TargetPort = "");
