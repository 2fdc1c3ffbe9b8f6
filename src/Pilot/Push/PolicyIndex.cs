using System.Collections.Immutable;
using Istio.Security.V1Beta1;
using Istio.Type.V1Beta1;
using Lateen.Config;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>
/// Who may call whom, and by which tokens: AuthorizationPolicies and RequestAuthentications by the namespace in which they
/// count, oldest first. Immutable; replaced when any of them changes.
/// </summary>
internal sealed class PolicyIndex(string rootNamespace, IEnumerable<ConfigObject> authorization, IEnumerable<ConfigObject> tokens)
{
    public static readonly PolicyIndex Empty = new("", [], []);

    private readonly ILookup<string, ConfigObject> _authorization = authorization.OldestFirst().ToLookup(c => c.Namespace, StringComparer.Ordinal);
    private readonly ILookup<string, ConfigObject> _tokens = tokens.OldestFirst().ToLookup(c => c.Namespace, StringComparer.Ordinal);

    /// <summary>Those of the root namespace, then those of the proxy's own, as far as they select its workload (pilot/pkg/model/authorization.go).</summary>
    public WorkloadPolicies For(ProxyNode node) => _authorization.Count + _tokens.Count == 0
        ? WorkloadPolicies.None
        : new(
            [.. Of(_authorization, node).Where(c => c.As<AuthorizationPolicy>() is var p && Selects(p.Selector, p.TargetRef, p.TargetRefs, node))],
            [.. Of(_tokens, node).Where(c => c.As<RequestAuthentication>() is var p && Selects(p.Selector, p.TargetRef, p.TargetRefs, node))]);

    private IEnumerable<ConfigObject> Of(ILookup<string, ConfigObject> all, ProxyNode node) =>
        node.Namespace == rootNamespace ? all[rootNamespace] : all[rootNamespace].Concat(all[node.Namespace]);

    /// <summary>What is attached to another object by reference is for gateways of the Gateway API and waypoints, of which there are none here.</summary>
    private static bool Selects(WorkloadSelector? selector, PolicyTargetReference? target, IReadOnlyCollection<PolicyTargetReference> targets, ProxyNode node) =>
        target == null && targets.Count == 0 && (selector == null || Labels.Covers((IEnumerable<KeyValuePair<string, string>>)selector.MatchLabels, node.Labels));
}

/// <summary>The policies of one workload. Immutable; equal where they are the same objects.</summary>
internal sealed class WorkloadPolicies(ImmutableArray<ConfigObject> authorization, ImmutableArray<ConfigObject> tokens) : IEquatable<WorkloadPolicies>
{
    public static readonly WorkloadPolicies None = new([], []);

    public ImmutableArray<ConfigObject> Authorization { get; } = authorization;
    public ImmutableArray<ConfigObject> Tokens { get; } = tokens;

    public bool Equals(WorkloadPolicies? other) =>
        other != null && Authorization.AsSpan().SequenceEqual(other.Authorization.AsSpan()) && Tokens.AsSpan().SequenceEqual(other.Tokens.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as WorkloadPolicies);

    public override int GetHashCode() => HashCode.Combine(Authorization.Length, Tokens.Length, Authorization.FirstOrDefault(), Tokens.FirstOrDefault());
}
