using System.Text;
using System.Text.Json.Nodes;

namespace Lateen.Kubernetes.Admission;

/// <summary>A webhook's answer. Immutable.</summary>
public sealed record AdmissionResponse
{
    /// <summary>Whether the object may be stored.</summary>
    public required bool Allowed { get; init; }

    /// <summary>HTTP status of a refusal.</summary>
    public int Code { get; init; } = 400;

    /// <summary>Why not; shown to the user.</summary>
    public string Message { get; init; } = "";

    /// <summary>Kubernetes' word for a refusal, such as Invalid; may be empty.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Shown to the user though the object is stored.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>RFC 6902 operations that change the object; null for none.</summary>
    public JsonArray? Patch { get; init; }

    /// <summary>Store it as it is.</summary>
    public static AdmissionResponse Allow(params string[] warnings) => new() { Allowed = true, Warnings = warnings };

    /// <summary>Refuse it.</summary>
    public static AdmissionResponse Deny(string message, int code = 400, string reason = "") =>
        new() { Allowed = false, Message = message, Code = code, Reason = reason };

    /// <summary>Store it changed by RFC 6902 operations.</summary>
    public static AdmissionResponse AllowPatched(JsonArray patch) => new() { Allowed = true, Patch = patch };

    /// <summary>The AdmissionReview to answer with, in the version that was asked in.</summary>
    public JsonObject ToReview(string apiVersion, string uid)
    {
        var response = new JsonObject { ["uid"] = uid, ["allowed"] = Allowed };
        if (!Allowed)
        {
            var status = new JsonObject { ["status"] = "Failure", ["code"] = Code, ["message"] = Message };
            if (Reason.Length > 0) status["reason"] = Reason;
            response["status"] = status;
        }
        if (Warnings.Count > 0) response["warnings"] = new JsonArray([.. Warnings.Select(warning => JsonValue.Create(warning))]);
        if (Patch is { Count: > 0 })
        {
            response["patchType"] = "JSONPatch";
            response["patch"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(Patch.ToJsonString()));
        }
        return new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = "AdmissionReview", ["response"] = response };
    }
}
