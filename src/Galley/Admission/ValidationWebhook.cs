using System.Text.Json.Nodes;
using Lateen.Config;
using Lateen.Config.Validation;
using Lateen.Kubernetes.Admission;

namespace Lateen.Galley.Admission;

/// <summary>
/// Judges Istio's configuration before the API server stores it, so that a mistake is told to who makes it. Any thread.
/// Source: Istio galley/pkg/crd/validation/webhook.go, and today's pkg/webhooks/validation/server.
/// </summary>
public static class ValidationWebhook
{
    /// <summary>The verdict, with every problem of the object. Deletions and kinds that are not Istio's always pass.</summary>
    public static AdmissionResponse Handle(AdmissionRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Operation is not ("CREATE" or "UPDATE") || request.Object is not { } json) return AdmissionResponse.Allow();
        // What is on its way out is only rid of its finalizers; refusing that would keep it for ever.
        if (json["metadata"]?["deletionTimestamp"] is not null) return AdmissionResponse.Allow();
        var read = ConfigReader.Read(json, $"{request.Kind} {request.Namespace}/{request.Name}");
        if (read.Errors.Count > 0) return Refuse(read.Errors);
        if (read.Object is not { } item) return AdmissionResponse.Allow();
        var verdict = ConfigValidator.Validate(item);
        return verdict.IsValid
            ? AdmissionResponse.Allow([.. read.Warnings.Concat(verdict.Warnings).Select(warning => warning.ToString())])
            : Refuse(verdict.Errors);
    }

    private static AdmissionResponse Refuse(IReadOnlyList<FieldProblem> errors) => AdmissionResponse.Deny("configuration is invalid: " + (errors.Count == 1
        ? errors[0].ToString()
        : $"{errors.Count} errors occurred:\n{string.Concat(errors.Select(error => $"\t* {error}\n"))}"));
}
