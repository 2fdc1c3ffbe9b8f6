using Envoy.Config.Route.V3;
using Lateen.Api;
using Lateen.Foundation.Yaml;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>Route tables from YAML.</summary>
internal static class TestRoutes
{
    public static RouteTable Compile(string yaml) => RouteCompiler.Compile(AnyRegistry.Parse<RouteConfiguration>(YamlReader.ReadOne(yaml, "routes").ToJsonString()));
}
