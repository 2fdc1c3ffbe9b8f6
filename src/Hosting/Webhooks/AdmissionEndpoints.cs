using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.Kubernetes.Admission;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Lateen.Hosting.Webhooks;

/// <summary>Judges one object.</summary>
public delegate ValueTask<AdmissionResponse> AdmissionHandler(AdmissionRequest request, CancellationToken cancel);

/// <summary>
/// Answers the API server's AdmissionReviews, of admission.k8s.io/v1 and v1beta1 alike: the answer is of the version that
/// was asked in. What is no review is answered with HTTP status 400, so the caller's failure policy decides.
/// </summary>
public static partial class AdmissionEndpoints
{
    /// <summary>Largest request in bytes: the API server sends an object and its predecessor, each of up to 3 MiB.</summary>
    public const int MaxBodySize = 7 << 20;

    private const int MaxDepth = 128;

    /// <summary>Serves a handler under a path.</summary>
    public static void MapAdmission(this IEndpointRouteBuilder endpoints, string path, AdmissionHandler handler, ILogger log) =>
        endpoints.MapPost(path, context => ServeAsync(context, handler, log));

    private static async Task ServeAsync(HttpContext context, AdmissionHandler handler, ILogger log)
    {
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize = MaxBodySize;
        if (context.Request.ContentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) != true)
        {
            await RefuseAsync(context, StatusCodes.Status415UnsupportedMediaType, "the content type must be application/json");
            return;
        }
        JsonObject? review;
        try
        {
            review = await JsonNode.ParseAsync(context.Request.Body, null, new JsonDocumentOptions { MaxDepth = MaxDepth }, context.RequestAborted) as JsonObject;
        }
        catch (JsonException e)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, $"the body is not JSON: {e.Message}");
            return;
        }
        if (review?["request"] is not JsonObject json || (review["apiVersion"] as JsonValue)?.TryGetValue<string>(out var version) != true
            || version is not ("admission.k8s.io/v1" or "admission.k8s.io/v1beta1"))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "the body is not an AdmissionReview of admission.k8s.io/v1 or v1beta1 with a request");
            return;
        }
        var request = new AdmissionRequest(json);
        AdmissionResponse response;
        try
        {
            response = await handler(request, context.RequestAborted);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            HandlerFailed(log, e, context.Request.Path, request.Kind, request.Namespace, request.Name);
            response = AdmissionResponse.Deny($"the webhook failed: {e.Message}", StatusCodes.Status500InternalServerError, "InternalError");
        }
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(response.ToReview(version, request.Uid).ToJsonString(), context.RequestAborted);
    }

    private static Task RefuseAsync(HttpContext context, int code, string message)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(message + "\n", context.RequestAborted);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "webhook {Path} failed on {Kind} {Namespace}/{Name}")]
    private static partial void HandlerFailed(ILogger log, Exception e, string path, string kind, string @namespace, string name);
}
