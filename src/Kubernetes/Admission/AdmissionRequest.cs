using System.Text.Json.Nodes;
using Lateen.Kubernetes.Models;

namespace Lateen.Kubernetes.Admission;

/// <summary>
/// What the API server asks a webhook before it stores an object. Reads the <c>request</c> of an AdmissionReview without
/// changing it. Source: Kubernetes API admission.k8s.io/v1, and v1beta1, which differs in nothing that is read here.
/// </summary>
/// <param name="json">The <c>request</c>.</param>
public sealed class AdmissionRequest(JsonObject json)
{
    /// <summary>The request itself.</summary>
    public JsonObject Json { get; } = json;

    /// <summary>Identifies the request; the response bears it too.</summary>
    public string Uid => KubeObject.Text(Json, "uid");

    /// <summary>CREATE, UPDATE, DELETE or CONNECT.</summary>
    public string Operation => KubeObject.Text(Json, "operation");

    /// <summary>Kind of the object.</summary>
    public string Kind => Json["kind"] is JsonObject kind ? KubeObject.Text(kind, "kind") : "";

    /// <summary>API group of the object.</summary>
    public string Group => Json["kind"] is JsonObject kind ? KubeObject.Text(kind, "group") : "";

    /// <summary>Name of the object; empty while it is to be generated.</summary>
    public string Name => KubeObject.Text(Json, "name");

    /// <summary>Namespace of the request; the object itself may leave it out.</summary>
    public string Namespace => KubeObject.Text(Json, "namespace");

    /// <summary>Nothing will be stored.</summary>
    public bool DryRun => (bool?)Json["dryRun"] ?? false;

    /// <summary>The object as it would be stored; null when it is to be deleted.</summary>
    public JsonObject? Object => Json["object"] as JsonObject;

    /// <summary>The object as it is stored; null when it is new.</summary>
    public JsonObject? OldObject => Json["oldObject"] as JsonObject;
}
