using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Controllers;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer;

/// <summary>Makes the objects that every cluster has from the start.</summary>
internal sealed class ClusterSeed(ClusterClient client)
{
    private static readonly string[] Namespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

    /// <summary>Makes what is missing, and tells the service "kubernetes" where the server is now.</summary>
    public async Task PlantAsync(IEnumerable<string> more, string address, int port)
    {
        foreach (var name in Namespaces.Concat(more).Distinct())
            if (client.Get("namespaces", "", name) is null)
                await client.CreateAsync("namespaces", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }, default).ConfigureAwait(false);
        await PlantServiceAsync(address, port).ConfigureAwait(false);
    }

    private async Task PlantServiceAsync(string address, int port)
    {
        JsonObject Metadata() => new() { ["name"] = "kubernetes", ["namespace"] = "default" };
        if (client.Get("services", "default", "kubernetes") is { } service)
            await client.UpdateAsync(service.Key, "", value => value.Items("spec", "ports").First()["targetPort"] = (long)port, default).ConfigureAwait(false);
        else
        {
            var metadata = Metadata();
            metadata["labels"] = new JsonObject { ["component"] = "apiserver", ["provider"] = "kubernetes" };
            await client.CreateAsync("services", new JsonObject
            {
                ["metadata"] = metadata,
                ["spec"] = new JsonObject
                {
                    ["clusterIP"] = client.ServiceAddress,
                    ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = 443L, ["protocol"] = "TCP", ["targetPort"] = (long)port }),
                },
            }, default).ConfigureAwait(false);
        }
        JsonArray Subsets() => new(new JsonObject
        {
            ["addresses"] = new JsonArray(new JsonObject { ["ip"] = address }),
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = (long)port, ["protocol"] = "TCP" }),
        });
        if (client.Get("endpoints", "default", "kubernetes") is { } endpoints)
            await client.UpdateAsync(endpoints.Key, "", value => value["subsets"] = Subsets(), default).ConfigureAwait(false);
        else
            await client.CreateAsync("endpoints", new JsonObject { ["metadata"] = Metadata(), ["subsets"] = Subsets() }, default).ConfigureAwait(false);
    }
}
