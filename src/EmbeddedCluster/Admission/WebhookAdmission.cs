using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Patches;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Admission;

/// <summary>
/// Asks the webhooks of MutatingWebhookConfigurations, one after the other by name, and of ValidatingWebhookConfigurations, all at
/// once. What a mutating webhook changed passes the server's own admission again, as Kubernetes does. Any thread.
/// </summary>
internal sealed partial class WebhookAdmission(ObjectStore store, ResourceRegistry registry, IReadOnlyList<IAdmission> own, ILogger logger) : IAdmission, IDisposable
{
    private const string Group = "admissionregistration.k8s.io";

    private readonly WebhookClient _client = new(store);
    private readonly Dictionary<string, (StoredObject Source, Webhook[] Hooks)> _compiled = [];
    private readonly Lock _gate = new();

    public async Task MutateAsync(AdmissionCall call)
    {
        if (call.Value is null || call.Resource.Group == Group) return;
        var asked = new List<(Webhook Hook, ServedResource As, JsonNode After)>();
        var changed = false;
        foreach (var hook in Hooks("mutatingwebhookconfigurations"))
        {
            if (Match(hook, call) is not { } wanted) continue;
            changed |= await MutateByAsync(hook, wanted, call).ConfigureAwait(false);
            asked.Add((hook, wanted, call.Value!.DeepClone()));
        }
        if (!changed) return;
        foreach (var step in own) await step.MutateAsync(call).ConfigureAwait(false);
        foreach (var (hook, wanted, after) in asked)
            if (hook.Reinvoked && !JsonNode.DeepEquals(after, call.Value)) await MutateByAsync(hook, wanted, call).ConfigureAwait(false);
    }

    public async Task ValidateAsync(AdmissionCall call)
    {
        if (call.Resource.Group == Group) return;
        var matching = Hooks("validatingwebhookconfigurations").Select(hook => (Hook: hook, As: Match(hook, call))).Where(pair => pair.As is not null).ToArray();
        if (matching.Length == 0) return;
        await Task.WhenAll(matching.Select(pair => ReviewAsync(pair.Hook, pair.As!, call))).ConfigureAwait(false);
    }

    public void Dispose() => _client.Dispose();

    private async Task<bool> MutateByAsync(Webhook hook, ServedResource wanted, AdmissionCall call)
    {
        var response = await ReviewAsync(hook, wanted, call).ConfigureAwait(false);
        if (response?.Text("patch") is not { Length: > 0 } encoded) return false;
        JsonNode? patch;
        try
        {
            patch = JsonText.Parse(Convert.FromBase64String(encoded));
        }
        catch (Exception wrong) when (wrong is FormatException or JsonException)
        {
            throw ApiException.InternalError($"admission webhook \"{hook.Name}\" attempted to modify the object, which is not a JSON patch: {wrong.Message}");
        }
        if (patch is not JsonArray { Count: > 0 }) return false;
        var before = call.Value!;
        var value = Served(before, wanted);
        if (JsonPatch.Apply(value, patch) is not JsonObject patched) throw ApiException.InternalError($"admission webhook \"{hook.Name}\" did not leave an object");
        var lenient = new RequestScope(call.Scope.User, call.Scope.Cancel) { FieldValidation = FieldValidation.Ignore };
        ObjectReader.ToStorage(patched, [], wanted, lenient);
        call.Value = patched;
        return !JsonNode.DeepEquals(before, patched);
    }

    /// <summary>Asks one webhook; null when it could not be asked and that does not matter.</summary>
    private async Task<JsonObject?> ReviewAsync(Webhook hook, ServedResource wanted, AdmissionCall call)
    {
        if (call.Scope.DryRun && !hook.AllowsDryRun) throw ApiException.BadRequest($"admission webhook \"{hook.Name}\" does not support dry run");
        JsonObject response;
        try
        {
            var uid = Guid.NewGuid().ToString();
            var answer = await _client.AskAsync(hook, Review(hook, wanted, call, uid), call.Scope.Cancel).ConfigureAwait(false);
            response = answer.Child("response") ?? throw new HttpRequestException("webhook response was absent");
            if (response.Text("uid") is { Length: > 0 } echoed && echoed != uid) throw new HttpRequestException($"expected response.uid=\"{uid}\", got \"{echoed}\"");
        }
        catch (Exception failure) when (!call.Scope.Cancel.IsCancellationRequested && failure is HttpRequestException or OperationCanceledException or FormatException or CryptographicException or IOException)
        {
            var why = failure is OperationCanceledException ? "context deadline exceeded" : failure.InnerException is { } inner && failure is HttpRequestException ? $"{failure.Message} ({inner.Message})" : failure.Message;
            LogFailure(logger, hook.Name, why);
            if (hook.FailsOpen) return null;
            throw ApiException.InternalError($"failed calling webhook \"{hook.Name}\": failed to call webhook: {why}");
        }
        foreach (var warning in response.Texts("warnings")) call.Scope.Warn(warning);
        return response.Flag("allowed") ? response : throw Denied(hook, response.Child("status"));
    }

    private static ApiException Denied(Webhook hook, JsonObject? status)
    {
        var by = $"admission webhook \"{hook.Name}\" denied the request";
        var message = status.Text("message") is { Length: > 0 } words ? $"{by}: {words}" : status.Text("reason") is { Length: > 0 } reason ? $"{by}: {reason}" : $"{by} without explanation";
        return new ApiException((int)Math.Max(400, status.Whole("code") ?? 0), status.Text("reason") ?? "", message, status.Child("details")?.DeepClone() as JsonObject);
    }

    private static JsonObject Review(Webhook hook, ServedResource wanted, AdmissionCall call, string uid)
    {
        static JsonObject Kind(ServedResource resource) => new() { ["group"] = resource.Group, ["version"] = resource.Version, ["kind"] = resource.Kind.Kind };
        static JsonObject Name(ServedResource resource) => new() { ["group"] = resource.Group, ["version"] = resource.Version, ["resource"] = resource.Plural };
        var request = new JsonObject { ["uid"] = uid, ["kind"] = Kind(wanted), ["resource"] = Name(wanted) };
        if (call.Subresource.Length > 0) request["subResource"] = call.Subresource;
        request["requestKind"] = Kind(call.Resource);
        request["requestResource"] = Name(call.Resource);
        if (call.Subresource.Length > 0) request["requestSubResource"] = call.Subresource;
        if (call.Name.Length > 0) request["name"] = call.Name;
        if (call.Namespace.Length > 0) request["namespace"] = call.Namespace;
        request["operation"] = call.Operation;
        request["userInfo"] = call.Scope.User.ToUserInfo();
        request["object"] = call.Value is null ? null : Served(call.Value, wanted);
        request["oldObject"] = call.Old is null ? null : Served(call.Old, wanted);
        request["dryRun"] = call.Scope.DryRun;
        request["options"] = call.Options?.DeepClone();
        return new JsonObject { ["kind"] = "AdmissionReview", ["apiVersion"] = "admission.k8s.io/" + hook.ReviewVersion, ["request"] = request };
    }

    private static JsonObject Served(JsonObject stored, ServedResource resource)
    {
        var copy = (JsonObject)stored.DeepClone();
        ObjectReader.FromStorage(copy, resource);
        return copy;
    }

    private ServedResource? Match(Webhook hook, AdmissionCall call)
    {
        var space = call.Resource.Kind.StorageName == "namespaces" ? call.Name : call.Namespace;
        var labels = store.GetLatest(new ObjectKey("namespaces", "", space))?.Root.At("metadata", "labels") ?? Labels(call.Value ?? call.Old);
        return hook.Match(call, registry.Current, labels, Labels(call.Value), Labels(call.Old));
    }

    private static JsonElement Labels(JsonObject? value) =>
        value.Child("metadata", "labels") is { } labels ? JsonElement.Parse(JsonText.ToBytes(labels)) : default;

    private IEnumerable<Webhook> Hooks(string plural)
    {
        var configurations = store.List($"{plural}.{Group}").Items;
        if (configurations.Count == 0) return [];
        lock (_gate) return configurations.SelectMany(Compiled).ToArray();
    }

    private Webhook[] Compiled(StoredObject configuration)
    {
        var name = configuration.Key.ToString();
        if (_compiled.TryGetValue(name, out var known) && ReferenceEquals(known.Source, configuration)) return known.Hooks;
        Webhook[] hooks = [.. configuration.Root.Items("webhooks").Select(hook => new Webhook(hook))];
        _compiled[name] = (configuration, hooks);
        return hooks;
    }

    [LoggerMessage(EventId = 20, Level = LogLevel.Warning, Message = "failed calling webhook {Webhook}: {Why}")]
    private static partial void LogFailure(ILogger logger, string webhook, string why);
}
