namespace Lateen.Pilot.Push;

/// <summary>Names one thing that may change: a configuration object, a service by host, the endpoints of a service by host.</summary>
internal readonly record struct ConfigKey(string Kind, string Namespace, string Name)
{
    public const string Service = "Service";
    public const string Endpoints = "Endpoints";
    public const string Workload = "Workload";
    public const string Mesh = "MeshConfig";

    public override string ToString() => $"{Kind}/{Namespace}/{Name}";
}
