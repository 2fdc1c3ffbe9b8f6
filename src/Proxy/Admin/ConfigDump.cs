using System.Text.Json.Nodes;
using Envoy.Admin.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Proxy.Xds;

namespace Lateen.Proxy.Admin;

/// <summary>The configuration in use, as envoy.admin.v3.ConfigDump in JSON.</summary>
internal static class ConfigDump
{
    /// <summary>
    /// All of it, or with <c>resource=dynamic_listeners</c> and the like one list; endpoints with <c>include_eds</c>; with <c>mask</c> only
    /// the fields that it names, separated by commas.
    /// </summary>
    public static string Write(ProxyServer server, Dictionary<string, string> query)
    {
        var text = Whole(server, query);
        return query.TryGetValue("mask", out var mask) && mask.Length > 0 ? Masked(text, mask.Split(',')) : text;
    }

    private static string Masked(string text, string[] paths)
    {
        var dump = JsonNode.Parse(text)!;
        var configs = dump["configs"] as JsonArray ?? [];
        for (var i = 0; i < configs.Count; i++)
        {
            var kept = new JsonObject { ["@type"] = configs[i]!["@type"]?.DeepClone() };
            foreach (var path in paths) Keep(configs[i]!, kept, path.Trim().Split('.'));
            configs[i] = kept;
        }
        return dump.ToJsonString(AdminPages.Indented) + "\n";
    }

    private static void Keep(JsonNode from, JsonObject to, ReadOnlySpan<string> path)
    {
        if (from is not JsonObject source || !source.TryGetPropertyValue(path[0], out var value) || value is null) return;
        if (path.Length == 1)
        {
            to[path[0]] = value.DeepClone();
            return;
        }
        if (to[path[0]] is not JsonObject inner) to[path[0]] = inner = value["@type"] is { } type ? new JsonObject { ["@type"] = type.DeepClone() } : [];
        Keep(value, inner, path[1..]);
    }

    private static string Whole(ProxyServer server, Dictionary<string, string> query)
    {
        var dump = server.Resources.Dump();
        var parts = new List<IMessage> { new BootstrapConfigDump { Bootstrap = server.Bootstrap }, Clusters(dump) };
        if (query.ContainsKey("include_eds")) parts.Add(Endpoints(dump));
        parts.Add(Listeners(dump));
        parts.Add(Routes(dump));
        if (query.TryGetValue("resource", out var resource)) return One(parts, resource, query.GetValueOrDefault("name_regex"));
        var result = new Envoy.Admin.V3.ConfigDump();
        foreach (var part in parts) result.Configs.Add(Any.Pack(part));
        return AnyRegistry.ProtoNameFormatter.Format(result) + "\n";
    }

    private static string One(List<IMessage> parts, string field, string? nameRegex)
    {
        var result = new Envoy.Admin.V3.ConfigDump();
        foreach (var part in parts)
            if (part.Descriptor.FindFieldByName(field) is { IsRepeated: true } list)
                foreach (IMessage item in (System.Collections.IList)list.Accessor.GetValue(part))
                    if (nameRegex is null || Http.Routing.SafeRegex.Compile(nameRegex, "name_regex").IsMatch((string?)item.Descriptor.FindFieldByName("name")?.Accessor.GetValue(item) ?? ""))
                        result.Configs.Add(Any.Pack(item));
        return AnyRegistry.ProtoNameFormatter.Format(result) + "\n";
    }

    private static ClustersConfigDump Clusters(ResourceDump dump)
    {
        var part = new ClustersConfigDump();
        foreach (var cluster in dump.Clusters)
            if (cluster.IsStatic) part.StaticClusters.Add(new ClustersConfigDump.Types.StaticCluster { Cluster = Any.Pack(cluster.Message) });
            else
                (cluster.IsActive ? part.DynamicActiveClusters : part.DynamicWarmingClusters).Add(new ClustersConfigDump.Types.DynamicCluster { VersionInfo = cluster.Version, Cluster = Any.Pack(cluster.Message) });
        return part;
    }

    private static EndpointsConfigDump Endpoints(ResourceDump dump)
    {
        var part = new EndpointsConfigDump();
        foreach (var assignment in dump.Endpoints)
            part.DynamicEndpointConfigs.Add(new EndpointsConfigDump.Types.DynamicEndpointConfig { EndpointConfig = Any.Pack(assignment.Message) });
        return part;
    }

    private static ListenersConfigDump Listeners(ResourceDump dump)
    {
        var part = new ListenersConfigDump();
        foreach (var listener in dump.Listeners)
        {
            if (listener.Name == AdminListener.Name) continue;
            if (listener.IsStatic)
            {
                part.StaticListeners.Add(new ListenersConfigDump.Types.StaticListener { Listener = Any.Pack(listener.Message) });
                continue;
            }
            var state = new ListenersConfigDump.Types.DynamicListenerState { VersionInfo = listener.Version, Listener = Any.Pack(listener.Message) };
            var entry = new ListenersConfigDump.Types.DynamicListener { Name = listener.Name };
            if (listener.IsActive) entry.ActiveState = state;
            else entry.WarmingState = state;
            part.DynamicListeners.Add(entry);
        }
        return part;
    }

    private static RoutesConfigDump Routes(ResourceDump dump)
    {
        var part = new RoutesConfigDump();
        foreach (var route in dump.Routes)
            part.DynamicRouteConfigs.Add(new RoutesConfigDump.Types.DynamicRouteConfig { VersionInfo = route.Version, RouteConfig = Any.Pack(route.Message) });
        return part;
    }
}
