using System.Text.Json;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Admission;

/// <summary>One webhook of a configuration, compiled. Immutable.</summary>
internal sealed class Webhook
{
    private sealed record Rule(string[] Operations, string[] Groups, string[] Versions, string[] Resources, string Scope);

    private readonly Rule[] _rules;
    private readonly LabelSelector _namespaces;
    private readonly LabelSelector _objects;
    private readonly bool _equivalent;

    public Webhook(JsonElement hook)
    {
        Name = hook.Text("name") ?? "";
        FailsOpen = hook.Text("failurePolicy") == "Ignore";
        Timeout = TimeSpan.FromSeconds(hook.Whole("timeoutSeconds") ?? 10);
        Reinvoked = hook.Text("reinvocationPolicy") == "IfNeeded";
        AllowsDryRun = hook.Text("sideEffects") is "None" or "NoneOnDryRun";
        Client = hook.At("clientConfig");
        ReviewVersion = hook.Items("admissionReviewVersions").Select(version => version.GetString()).FirstOrDefault(version => version is "v1" or "v1beta1") ?? "v1";
        _equivalent = hook.Text("matchPolicy") != "Exact";
        _namespaces = hook.Has("namespaceSelector") ? LabelSelector.FromObject(hook.At("namespaceSelector")) : LabelSelector.Everything;
        _objects = hook.Has("objectSelector") ? LabelSelector.FromObject(hook.At("objectSelector")) : LabelSelector.Everything;
        _rules = [.. hook.Items("rules").Select(rule => new Rule(Texts(rule, "operations"), Texts(rule, "apiGroups"), Texts(rule, "apiVersions"), Texts(rule, "resources"), rule.Text("scope") ?? "*"))];
    }

    public string Name { get; }

    /// <summary>A webhook that cannot be asked has no objection.</summary>
    public bool FailsOpen { get; }

    public TimeSpan Timeout { get; }

    /// <summary>Asked again when others changed the object after it.</summary>
    public bool Reinvoked { get; }

    public bool AllowsDryRun { get; }

    /// <summary>clientConfig: url or service, and caBundle.</summary>
    public JsonElement Client { get; }

    /// <summary>Version of AdmissionReview that it understands.</summary>
    public string ReviewVersion { get; }

    /// <summary>The version of the kind in which the webhook wants to see the object; null when it does not care about the call.</summary>
    public ServedResource? Match(AdmissionCall call, ResourceCatalog catalog, JsonElement namespaceLabels, JsonElement labels, JsonElement oldLabels)
    {
        var wanted = Wanted(call, catalog);
        if (wanted is null) return null;
        var concernsNamespace = call.Resource.Kind.Namespaced || call.Resource.Kind.StorageName == "namespaces";
        if (!_namespaces.IsEverything && concernsNamespace && !_namespaces.MatchesLabels(namespaceLabels)) return null;
        if (_objects.IsEverything || (call.Value is not null && _objects.MatchesLabels(labels)) || (call.Old is not null && _objects.MatchesLabels(oldLabels))) return wanted;
        return null;
    }

    private ServedResource? Wanted(AdmissionCall call, ResourceCatalog catalog)
    {
        if (_rules.Any(rule => Matches(rule, call, call.Resource))) return call.Resource;
        return _equivalent
            ? catalog.All.FirstOrDefault(other => other.Kind.StorageName == call.Resource.Kind.StorageName && _rules.Any(rule => Matches(rule, call, other))) : null;
    }

    private static bool Matches(Rule rule, AdmissionCall call, ServedResource resource)
    {
        if (!Holds(rule.Operations, call.Operation) || !Holds(rule.Groups, resource.Group) || !Holds(rule.Versions, resource.Version)) return false;
        if (rule.Scope == "Namespaced" ? !resource.Kind.Namespaced : rule.Scope == "Cluster" && resource.Kind.Namespaced) return false;
        foreach (var entry in rule.Resources)
        {
            var slash = entry.IndexOf('/');
            var (plural, part) = slash < 0 ? (entry, "") : (entry[..slash], entry[(slash + 1)..]);
            if (plural != "*" && plural != resource.Plural) continue;
            if (part == "*" || part == call.Subresource) return true;
        }
        return false;
    }

    private static bool Holds(string[] values, string value) => values.Contains("*") || values.Contains(value);

    private static string[] Texts(JsonElement rule, string name) => [.. rule.Items(name).Select(item => item.GetString() ?? "")];
}
