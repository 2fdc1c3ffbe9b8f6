using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Identity;

/// <summary>Who makes a request. Immutable.</summary>
/// <param name="Name">User name: "kubernetes-admin", "system:serviceaccount:default:sleep".</param>
/// <param name="Uid">Uid of a service account, else empty.</param>
/// <param name="Groups">Groups, system:authenticated included.</param>
internal sealed record UserIdentity(string Name, string Uid, string[] Groups)
{
    /// <summary>The controllers of this process.</summary>
    public static readonly UserIdentity Controllers =
        new("system:kube-controller-manager", "", ["system:masters", "system:authenticated"]);

    /// <summary>The pod and node of a bound service account token.</summary>
    public IReadOnlyDictionary<string, string[]> Extra { get; init; } = new Dictionary<string, string[]>();

    /// <summary>As UserInfo of authentication.k8s.io.</summary>
    public JsonObject ToUserInfo()
    {
        var info = new JsonObject { ["username"] = Name };
        if (Uid.Length > 0) info["uid"] = Uid;
        info["groups"] = Groups.ToJsonArray();
        if (Extra.Count > 0) info["extra"] = new JsonObject(Extra.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value.ToJsonArray())));
        return info;
    }
}
