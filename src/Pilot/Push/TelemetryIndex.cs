using System.Collections.Immutable;
using Google.Protobuf;
using Istio.Mesh.V1Alpha1;
using Istio.Telemetry.V1Alpha1;
using Lateen.Config;
using Lateen.Pilot.Model;
using WorkloadMode = Istio.Telemetry.V1Alpha1.WorkloadMode;
using WorkloadSelector = Istio.Type.V1Beta1.WorkloadSelector;

namespace Lateen.Pilot.Push;

/// <summary>A provider of the mesh that logs, and the expression that a request must fulfil to be logged; empty for every request. Immutable.</summary>
internal readonly record struct ProviderLog(MeshConfig.Types.ExtensionProvider Provider, string Expression)
{
    public bool Equals(ProviderLog other) => ReferenceEquals(Provider, other.Provider) && Expression == other.Expression;

    public override int GetHashCode() => HashCode.Combine(Provider.Name, Expression);
}

/// <summary>Who logs the requests of a workload, the file that the mesh's settings name or providers, and who traces them. Immutable; equal by value.</summary>
internal sealed class TelemetryPlan(ImmutableArray<ProviderLog> providers) : IEquatable<TelemetryPlan>
{
    /// <summary>As the mesh's settings say, since no Telemetry says anything.</summary>
    public static readonly TelemetryPlan OfMesh = new([]) { FollowsMesh = true };

    /// <summary>Whether the file of the mesh's settings is the log.</summary>
    public bool FollowsMesh { get; init; }

    public ImmutableArray<ProviderLog> Providers { get; } = providers;

    /// <summary>The serialized tracing of an HTTP connection manager; empty for none.</summary>
    public ByteString Tracing { get; init; } = ByteString.Empty;

    public bool Equals(TelemetryPlan? other) =>
        other != null && FollowsMesh == other.FollowsMesh && Providers.AsSpan().SequenceEqual(other.Providers.AsSpan()) && Tracing.Equals(other.Tracing);

    public override bool Equals(object? obj) => Equals(obj as TelemetryPlan);

    public override int GetHashCode() => HashCode.Combine(FollowsMesh, Providers.Length, Providers.Length == 0 ? 0 : Providers[0].GetHashCode(), Tracing);
}

/// <summary>Who logs and traces what a workload asks for, and what it is asked for. Immutable; equal by value.</summary>
internal sealed record WorkloadTelemetry(TelemetryPlan AsClient, TelemetryPlan AsServer)
{
    public static readonly WorkloadTelemetry OfMesh = new(TelemetryPlan.OfMesh, TelemetryPlan.OfMesh);
}

/// <summary>
/// The Telemetry objects by namespace, of each the oldest that is for all workloads, and those for some (pilot/pkg/model/telemetry.go).
/// Immutable; replaced when any of them changes.
/// </summary>
internal sealed class TelemetryIndex(MeshSettings mesh, IEnumerable<ConfigObject> objects)
{
    private readonly ILookup<string, Telemetry> _byNamespace = objects.OldestFirst().ToLookup(c => c.Namespace, c => c.As<Telemetry>(), StringComparer.Ordinal);

    /// <summary>What counts for a workload: the root namespace's, its own namespace's, its own, each over those before.</summary>
    public WorkloadTelemetry For(ProxyNode node)
    {
        List<Telemetry> layers = [];
        Add(Common(mesh.RootNamespace));
        if (node.Namespace != mesh.RootNamespace) Add(Common(node.Namespace));
        Add(_byNamespace[node.Namespace].FirstOrDefault(t => t.Selector != null && !IsAttached(t) && Covers(t.Selector, node)));
        return new(Plan(layers, WorkloadMode.Client, node), Plan(layers, WorkloadMode.Server, node));

        void Add(Telemetry? layer)
        {
            if (layer != null) layers.Add(layer);
        }
    }

    private TelemetryPlan Plan(List<Telemetry> layers, WorkloadMode mode, ProxyNode node)
    {
        List<IReadOnlyCollection<AccessLogging>> said = [.. layers.Where(l => l.AccessLogging.Count > 0).Select(l => l.AccessLogging)];
        var defaults = mesh.Config.DefaultProviders?.AccessLogging ?? [];
        var followsMesh = said.Count == 0 && defaults.Count == 0;
        return new(followsMesh ? [] : Merge(said, defaults, mode)) { FollowsMesh = followsMesh, Tracing = WorkloadTracing.Of(mesh, layers.SelectMany(l => l.Tracing), mode, node) };
    }

    private Telemetry? Common(string ns) => _byNamespace[ns].FirstOrDefault(t => t.Selector == null && !IsAttached(t));

    private static bool Covers(WorkloadSelector selector, ProxyNode node) => Labels.Covers((IEnumerable<KeyValuePair<string, string>>)selector.MatchLabels, node.Labels);

    /// <summary>Those of gateways of the Gateway API and of waypoints, of which there are none here.</summary>
    private static bool IsAttached(Telemetry telemetry) => telemetry.TargetRef != null || telemetry.TargetRefs.Count > 0;

    /// <summary>The last layer that names providers decides which they are; what no layer says of them, the ones before do.</summary>
    private ImmutableArray<ProviderLog> Merge(List<IReadOnlyCollection<AccessLogging>> layers, IReadOnlyCollection<string> defaults, WorkloadMode mode)
    {
        IReadOnlyCollection<string> last = defaults;
        foreach (var layer in layers)
        {
            var named = layer.Where(Concerns).SelectMany(l => l.Providers).Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
            if (named.Count > 0) last = named;
        }
        var filters = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (layers.Count == 0)
            foreach (var name in defaults) filters[name] = "";
        IReadOnlyCollection<string> inherited = defaults;
        foreach (var layer in layers)
            foreach (var logging in layer.Where(Concerns))
            {
                if (logging.Providers.Count > 0) inherited = [.. logging.Providers.Select(p => p.Name)];
                foreach (var name in inherited.Where(last.Contains))
                    if (logging.Disabled == true) filters.Remove(name);
                    else filters[name] = logging.Filter?.Expression ?? "";
            }
        return [.. filters.Select(f => (Provider: mesh.Config.ExtensionProviders.FirstOrDefault(p => p.Name == f.Key), f.Value)).Where(f => f.Provider != null).Select(f => new ProviderLog(f.Provider!, f.Value))];

        bool Concerns(AccessLogging logging) => logging.Match == null || logging.Match.Mode == WorkloadMode.ClientAndServer || logging.Match.Mode == mode;
    }
}
