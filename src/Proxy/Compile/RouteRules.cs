using Envoy.Config.Route.V3;

namespace Lateen.Proxy.Compile;

/// <summary>What the fields of a route configuration mean to one another, and to the clusters that are there. Pure.</summary>
internal static class RouteRules
{
    /// <exception cref="ConfigRefusedException">A route forwards in two ways at once, or by halves.</exception>
    public static void Check(RouteAction action, string path)
    {
        if ((action.PrefixRewrite.Length > 0 ? 1 : 0) + (action.RegexRewrite is null ? 0 : 1) + (action.PathRewritePolicy is null ? 0 : 1) > 1)
            throw new ConfigRefusedException(path, "has more than one of prefix_rewrite, regex_rewrite and path_rewrite_policy");
        for (var i = 0; i < action.RequestMirrorPolicies.Count; i++)
            if (action.RequestMirrorPolicies[i] is { Cluster: "", ClusterHeader: "" })
                throw new ConfigRefusedException($"{path}.request_mirror_policies[{i}].cluster", "is empty");
        var upgrades = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < action.UpgradeConfigs.Count; i++)
        {
            var upgrade = action.UpgradeConfigs[i];
            if (!upgrades.Add(upgrade.UpgradeType)) throw new ConfigRefusedException($"{path}.upgrade_configs[{i}]", $"{upgrade.UpgradeType} is there twice");
            if (upgrade.ConnectConfig is not null && !upgrade.UpgradeType.Equals("connect", StringComparison.OrdinalIgnoreCase)) throw new ConfigRefusedException($"{path}.upgrade_configs[{i}].connect_config", "is for CONNECT alone");
        }
        if (action.WeightedClusters is not { } weighted) return;
        for (var i = 0; i < weighted.Clusters.Count; i++)
            if (weighted.Clusters[i].Name.Length == 0 && weighted.Clusters[i].ClusterHeader.Length == 0)
                throw new ConfigRefusedException($"{path}.weighted_clusters.clusters[{i}]", "names no cluster");
        if (weighted.Clusters.Sum(cluster => (long)(cluster.Weight ?? 0)) > int.MaxValue) throw new ConfigRefusedException(path + ".weighted_clusters", $"the weights add up to more than {int.MaxValue}");
    }

    /// <summary>Refuses routes to clusters that are not there, where the table asks for that. Source: RouteConfiguration.validate_clusters.</summary>
    /// <exception cref="ConfigRefusedException">A cluster is not there.</exception>
    public static void CheckClusters(RouteConfiguration table, Func<string, bool> isThere, string path)
    {
        for (var h = 0; h < table.VirtualHosts.Count; h++)
            for (var r = 0; r < table.VirtualHosts[h].Routes.Count; r++)
            {
                if (table.VirtualHosts[h].Routes[r].Route_ is not { } action) continue;
                var at = $"{path}virtual_hosts[{h}].routes[{r}].route.";
                if (action.ClusterSpecifierCase == RouteAction.ClusterSpecifierOneofCase.Cluster) Check(action.Cluster, at + "cluster");
                for (var i = 0; i < action.RequestMirrorPolicies.Count; i++) Check(action.RequestMirrorPolicies[i].Cluster, $"{at}request_mirror_policies[{i}].cluster");
                for (var i = 0; i < (action.WeightedClusters?.Clusters.Count ?? 0); i++) Check(action.WeightedClusters!.Clusters[i].Name, $"{at}weighted_clusters.clusters[{i}].name");
            }

        void Check(string cluster, string at)
        {
            if (cluster.Length > 0 && !isThere(cluster)) throw new ConfigRefusedException(at, $"there is no cluster {cluster}");
        }
    }
}
