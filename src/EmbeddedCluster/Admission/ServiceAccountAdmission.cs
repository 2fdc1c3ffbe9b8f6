using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Admission;

/// <summary>Gives each pod a service account and, unless it does not want one, the account's token as a volume.</summary>
internal sealed class ServiceAccountAdmission(ObjectStore store, TimeProvider clock) : IAdmission
{
    private const string MountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
    private const string VolumePrefix = "kube-api-access-";
    private const string DefaultAccount = "default";

    /// <summary>Life of the mounted token: an hour, and a few seconds by which such tokens are told from others.</summary>
    private const long TokenSeconds = 3607;

    /// <summary>The default account of a new namespace is made a moment after it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public async Task MutateAsync(AdmissionCall call)
    {
        if (call.Operation != "CREATE" || call.Resource.Kind.StorageName != "pods" || call.Subresource.Length > 0) return;
        var spec = call.Value!.Ensure("spec");
        if (string.IsNullOrEmpty(spec.Text("serviceAccountName")))
        {
            spec["serviceAccountName"] = DefaultAccount;
            spec["serviceAccount"] = DefaultAccount;
        }
        var name = spec.Text("serviceAccountName")!;
        var account = await FindAsync(call, name).ConfigureAwait(false);
        if (!spec.Items("imagePullSecrets").Any() && account.Root.Items("imagePullSecrets").Any()) spec["imagePullSecrets"] = JsonText.Copy(account.Root.At("imagePullSecrets"));
        var wanted = spec["automountServiceAccountToken"] is JsonValue own ? own.GetValue<bool>()
            : !account.Root.Has("automountServiceAccountToken") || account.Root.Flag("automountServiceAccountToken");
        if (wanted) Mount(spec);
    }

    private async Task<StoredObject> FindAsync(AdmissionCall call, string name)
    {
        var key = new ObjectKey("serviceaccounts", call.Namespace, name);
        var end = clock.GetUtcNow() + Patience;
        while (true)
        {
            if (store.GetLatest(key) is { } account) return account;
            if (name != DefaultAccount || clock.GetUtcNow() >= end)
                throw ApiException.Forbidden("", "pods", call.Name, $"error looking up service account {call.Namespace}/{name}: serviceaccount \"{name}\" not found");
            await Task.Delay(TimeSpan.FromMilliseconds(20), clock, call.Scope.Cancel).ConfigureAwait(false);
        }
    }

    private static void Mount(JsonObject spec)
    {
        var containers = spec.Items("initContainers").Concat(spec.Items("containers"))
            .Where(container => !container.Items("volumeMounts").Any(mount => mount.Text("mountPath") == MountPath)).ToArray();
        if (containers.Length == 0) return;
        var volume = spec.Items("volumes").Select(entry => entry.Text("name")).FirstOrDefault(name => name?.StartsWith(VolumePrefix, StringComparison.Ordinal) == true);
        if (volume is null)
        {
            volume = ObjectNames.Generate(VolumePrefix);
            spec.EnsureList("volumes").Add((JsonNode)Volume(volume));
        }
        foreach (var container in containers)
            container.EnsureList("volumeMounts").Add((JsonNode)new JsonObject { ["name"] = volume, ["readOnly"] = true, ["mountPath"] = MountPath });
    }

    private static JsonObject Volume(string name) => new()
    {
        ["name"] = name,
        ["projected"] = new JsonObject
        {
            ["sources"] = new JsonArray(
                new JsonObject { ["serviceAccountToken"] = new JsonObject { ["expirationSeconds"] = TokenSeconds, ["path"] = "token" } },
                new JsonObject
                {
                    ["configMap"] = new JsonObject { ["name"] = "kube-root-ca.crt", ["items"] = new JsonArray(new JsonObject { ["key"] = "ca.crt", ["path"] = "ca.crt" }) },
                },
                new JsonObject
                {
                    ["downwardAPI"] = new JsonObject
                    {
                        ["items"] = new JsonArray(new JsonObject { ["path"] = "namespace", ["fieldRef"] = new JsonObject { ["apiVersion"] = "v1", ["fieldPath"] = "metadata.namespace" } }),
                    },
                }),
            ["defaultMode"] = 420L,
        },
    };
}
