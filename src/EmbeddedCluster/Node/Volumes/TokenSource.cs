using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Pods;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;

namespace Lateen.EmbeddedCluster.Node.Volumes;

/// <summary>Gets service account tokens for pods (TokenRequest of authentication.k8s.io/v1) and renews them in time. Any thread.</summary>
internal sealed class TokenSource(KubeClient client, TimeProvider time)
{
    private readonly ConcurrentDictionary<(string Uid, string Audience, int Seconds), Token> _tokens = new();

    /// <summary>A token that holds for a good while yet.</summary>
    /// <exception cref="KubeException">The API server gave none, and there is no earlier one that still holds.</exception>
    public async Task<string> GetAsync(PodDefinition pod, string audience, int seconds, CancellationToken cancel)
    {
        var key = (pod.Uid, audience, seconds);
        var known = _tokens.GetValueOrDefault(key);
        if (known is not null && time.GetUtcNow() < known.RenewAt) return known.Text;
        try
        {
            var token = await RequestAsync(pod, audience, seconds, cancel);
            _tokens[key] = token;
            return token.Text;
        }
        catch (KubeException) when (known is not null && time.GetUtcNow() < known.ExpiresAt)
        {
            return known.Text;
        }
    }

    /// <summary>Forgets a pod's tokens.</summary>
    public void Forget(string uid)
    {
        foreach (var key in _tokens.Keys)
            if (key.Uid == uid) _tokens.TryRemove(key, out _);
    }

    private async Task<Token> RequestAsync(PodDefinition pod, string audience, int seconds, CancellationToken cancel)
    {
        var account = pod.Spec.TextOf("serviceAccountName") is { Length: > 0 } name ? name : "default";
        var request = new JsonObject
        {
            ["apiVersion"] = "authentication.k8s.io/v1",
            ["kind"] = "TokenRequest",
            ["spec"] = new JsonObject
            {
                ["audiences"] = audience.Length > 0 ? new JsonArray(audience) : new JsonArray(),
                ["expirationSeconds"] = seconds,
                ["boundObjectRef"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["name"] = pod.Name, ["uid"] = pod.Uid },
            },
        };
        var now = time.GetUtcNow();
        var answer = await client.CreateAsync(KubeResource.ServiceAccounts, pod.Namespace, request, cancel, account, "token");
        var status = answer.ObjectOf("status");
        var expires = status.TimeOf("expirationTimestamp") ?? now.AddSeconds(seconds);
        // At four fifths of its life, as kubelet does, and at the latest after a day.
        var renew = now + TimeSpan.FromSeconds(Math.Min(0.8 * (expires - now).TotalSeconds, 24 * 3600));
        return new Token(status.TextOf("token"), renew, expires);
    }

    private sealed record Token(string Text, DateTimeOffset RenewAt, DateTimeOffset ExpiresAt);
}
