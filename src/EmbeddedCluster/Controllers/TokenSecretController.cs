using System.Text;
using Lateen.EmbeddedCluster.ApiServer.Identity;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Fills secrets of type kubernetes.io/service-account-token, the lasting tokens that Istio 1.1's age used; they go with their account.</summary>
internal sealed class TokenSecretController(ClusterClient client, EventRecorder events, ControllerOptions options) : Controller(client, events)
{
    private const string Type = "kubernetes.io/service-account-token";
    private const string AccountName = "kubernetes.io/service-account.name";
    private const string AccountUid = "kubernetes.io/service-account.uid";

    /// <summary>Such a token has no end of its own; a tenth of a century stands for that.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromDays(3650);

    public override IReadOnlyList<string> Watched { get; } = ["secrets", "serviceaccounts"];

    public override IEnumerable<ObjectKey> Affected(StoredChange change)
    {
        var key = change.Object.Key;
        if (key.Resource == "secrets") return change.Type != ChangeType.Deleted && change.Object.Root.Text("type") == Type ? [key] : [];
        return Client.List("secrets", key.Namespace).Where(secret => secret.Root.Text("type") == Type && secret.Root.Text("metadata", "annotations", AccountName) == key.Name)
            .Select(secret => secret.Key);
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } secret || PodState.IsDeleting(secret.Root)) return null;
        var account = Client.Get("serviceaccounts", key.Namespace, secret.Root.Text("metadata", "annotations", AccountName) ?? "");
        var uid = secret.Root.Text("metadata", "annotations", AccountUid);
        if (account is null || (uid is not null && uid != account.Root.Text("metadata", "uid")))
        {
            await Client.DeleteAsync(secret, cancel).ConfigureAwait(false);
            return null;
        }
        if (secret.Root.Text("data", "token") is not null) return null;
        var (token, _) = options.Tokens.Issue(account, [AccountTokens.Issuer], Life, secret);
        await Client.UpdateAsync(key, "", value =>
        {
            value.Ensure("metadata", "annotations")[AccountUid] = account.Root.Text("metadata", "uid");
            var data = value.Ensure("data");
            data["token"] = Encoded(token);
            data["namespace"] = Encoded(key.Namespace);
            data["ca.crt"] = Encoded(options.AuthorityPem);
        }, cancel).ConfigureAwait(false);
        return null;
    }

    private static string Encoded(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
