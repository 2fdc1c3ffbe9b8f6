using System.Text.Json;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Selectors;

/// <summary>A field selector: equality of a few fields that each kind names. Immutable.</summary>
internal sealed class FieldSelector
{
    private static readonly Dictionary<string, string[]> Fields = new()
    {
        ["pods"] = ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"],
        ["events"] = ["involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
            "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"],
        ["secrets"] = ["type"],
        ["namespaces"] = ["status.phase"],
        ["nodes"] = ["spec.unschedulable"],
        ["services"] = ["spec.clusterIP", "spec.type"],
        ["replicationcontrollers"] = ["status.replicas"],
        ["jobs.batch"] = ["status.successful"],
    };

    private readonly (string[] Path, string Value, bool Equal)[] _terms;

    private FieldSelector((string[], string, bool)[] terms) => _terms = terms;

    public static FieldSelector Everything { get; } = new([]);

    public bool IsEverything => _terms.Length == 0;

    /// <summary>Reads "status.phase=Running,spec.nodeName!=a".</summary>
    /// <exception cref="ApiException">The text is no selector, or the kind cannot be selected by such a field.</exception>
    public static FieldSelector Parse(string text, ServedResource resource)
    {
        if (string.IsNullOrWhiteSpace(text)) return Everything;
        var terms = new List<(string[], string, bool)>();
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = part.IndexOf('=');
            if (at <= 0) throw ApiException.BadRequest($"invalid selector: '{text}'; can't understand '{part}'");
            var unequal = part[at - 1] == '!';
            var name = part[..(unequal ? at - 1 : at)].Trim();
            var value = part[(at + 1)..].TrimStart('=').Trim();
            var known = name is "metadata.name" || (name == "metadata.namespace" && resource.Kind.Namespaced)
                || resource.SelectableFields.Contains(name)
                || (Fields.TryGetValue(resource.Kind.StorageName, out var names) && names.Contains(StorageField(name)));
            if (!known)
                throw ApiException.BadRequest(Fields.ContainsKey(resource.Kind.StorageName) || resource.Kind.IsCustom ? $"field label not supported: {name}"
                    : $"\"{name}\" is not a known field selector: only \"metadata.name\"{(resource.Kind.Namespaced ? ", \"metadata.namespace\"" : "")}");
            terms.Add((PathOf(StorageField(name)), value, !unequal));
        }
        return new FieldSelector([.. terms]);
    }

    public bool Matches(JsonElement root)
    {
        foreach (var (path, value, equal) in _terms)
        {
            var field = root.At(path);
            var text = field.ValueKind switch
            {
                JsonValueKind.String => field.GetString()!,
                JsonValueKind.Number => field.GetRawText(),
                JsonValueKind.True => "true",
                JsonValueKind.False => "false",
                _ => path is ["spec", "unschedulable"] or ["spec", "hostNetwork"] ? "false" : path is ["status", "replicas"] ? "0" : "",
            };
            if (text == value != equal) return false;
        }
        return true;
    }

    // events.k8s.io calls the object that an event is about "regarding".
    private static string StorageField(string name) => name.StartsWith("regarding.", StringComparison.Ordinal) ? "involvedObject" + name[9..] : name;

    private static string[] PathOf(string name) => name == "source" ? ["source", "component"] : name.Split('.');
}
