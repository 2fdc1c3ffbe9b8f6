using System.Text.Json.Nodes;
using Lateen.Injector.Injection;
using Lateen.Kubernetes.Admission;
using Lateen.Kubernetes.Models;

namespace Lateen.Injector.Admission;

/// <summary>Answers the API server's question about a new pod: a patch that injects it, or none. Any thread.</summary>
public sealed class InjectionWebhook(InjectionConfig config)
{
    /// <summary>Judges one request. Anything but the creation of a pod passes unchanged.</summary>
    public AdmissionResponse Handle(AdmissionRequest request)
    {
        if (request.Kind != "Pod" || request.Operation != "CREATE" || request.Object is not { } pod) return AdmissionResponse.Allow();
        if (!InjectionDecision.IsWanted(new Pod(pod), request.Namespace, config)) return AdmissionResponse.Allow();
        var injected = PodInjector.Inject(pod, request.Namespace, config);
        var patch = new JsonArray();
        foreach (var part in new[] { "metadata", "spec" })
            patch.Add((JsonNode)new JsonObject { ["op"] = pod.ContainsKey(part) ? "replace" : "add", ["path"] = "/" + part, ["value"] = injected[part]?.DeepClone() });
        return AdmissionResponse.Allow() with { Patch = patch };
    }
}
