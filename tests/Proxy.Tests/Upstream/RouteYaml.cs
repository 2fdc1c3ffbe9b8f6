using Envoy.Config.Route.V3;
using Lateen.Api;
using Lateen.Foundation.Yaml;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Tests.Upstream;

/// <summary>Route tables from YAML.</summary>
internal static class RouteYaml
{
    /// <summary>A table with one virtual host for every domain; the routes are a YAML list in flow style, a line each.</summary>
    public static RouteTable Compile(string routes)
    {
        var yaml = "name: test\nvirtual_hosts:\n- name: all\n  domains: [\"*\"]\n  routes:\n" + string.Join('\n', routes.Split('\n').Select(line => "  " + line));
        return RouteCompiler.Compile(AnyRegistry.Parse<RouteConfiguration>(YamlReader.ReadOne(yaml, "test").ToJsonString()));
    }
}
