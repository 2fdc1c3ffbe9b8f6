using System.Net;
using System.Text.Json.Nodes;

namespace Lateen.Kubernetes.Client;

/// <summary>The API server refused a request, or could not be reached.</summary>
public sealed class KubeException : Exception
{
    /// <summary>With the Status object that the server answered, or what stands for it.</summary>
    public KubeException(HttpStatusCode code, string reason, string message, JsonObject? status = null, Exception? inner = null)
        : base(message, inner) => (Code, Reason, Status) = (code, reason, status);

    /// <summary>HTTP status; 0 when the server could not be reached.</summary>
    public HttpStatusCode Code { get; }

    /// <summary>Kubernetes' word: NotFound, AlreadyExists, Conflict, Expired, Invalid, …; empty when there is none.</summary>
    public string Reason { get; }

    /// <summary>The whole Status object, or null.</summary>
    public JsonObject? Status { get; }

    /// <summary>The object or the kind is not there.</summary>
    public bool IsNotFound => Code == HttpStatusCode.NotFound;

    /// <summary>Another writer was faster, or the object exists already.</summary>
    public bool IsConflict => Code == HttpStatusCode.Conflict;

    /// <summary>The resource version is too old to list or watch from.</summary>
    public bool IsExpired => Code == HttpStatusCode.Gone || Reason is "Expired" or "Gone";
}
