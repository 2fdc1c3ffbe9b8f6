using System.Collections.Concurrent;
using Lateen.Config;

namespace Lateen.Pilot.Push;

/// <summary>Everything that a scope is compiled from. Equal when every part is the same object.</summary>
internal sealed record ScopeInputs(
    string Namespace, ConfigObject? Sidecar, MeshSettings Mesh, ServiceIndex Services, VirtualServiceIndex Rules, DestinationRuleIndex DestinationRules);

/// <summary>
/// The compiled scopes by namespace and Sidecar object, kept from snapshot to snapshot so that what an edit does not touch
/// is not compiled again. Any thread.
/// </summary>
internal sealed class ScopeStore
{
    private readonly ConcurrentDictionary<(string Namespace, string Sidecar), Entry> _entries = new();

    public SidecarScope Get(ScopeInputs inputs)
    {
        var key = (inputs.Namespace, inputs.Sidecar is { } sidecar ? $"{sidecar.Namespace}/{sidecar.Name}" : "");
        return _entries.GetOrAdd(key, static _ => new()).Get(inputs);
    }

    /// <summary>Forgets the scopes of namespaces where no proxy is left.</summary>
    public void Keep(IReadOnlySet<string> namespaces)
    {
        foreach (var key in _entries.Keys)
            if (!namespaces.Contains(key.Namespace)) _entries.TryRemove(key, out _);
    }

    private sealed class Entry
    {
        private readonly Lock _gate = new();
        private ScopeInputs? _inputs;
        private SidecarScope? _scope;

        public SidecarScope Get(ScopeInputs inputs)
        {
            lock (_gate)
            {
                if (_scope == null || _inputs != inputs) _scope = SidecarScope.Build(inputs, _scope);
                _inputs = inputs;
                return _scope;
            }
        }
    }
}
