using System.CommandLine;
using System.Text.Json.Nodes;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Yaml;

/// <summary>The command <c>istioctl proxy-config</c>: what a proxy has been told, as a table or as it is.</summary>
internal static class ProxyConfigCommand
{
    private const string DumpPage = "config_dump";
    private const string ClustersPage = "clusters?format=json";

    public static Command Create()
    {
        var command = new Command("proxy-config", "Show what a proxy has been told") { CreateBootstrap(), CreateCluster(), CreateListener(), CreateRoute(), CreateEndpoint() };
        command.Aliases.Add("pc");
        return command;
    }

    private static Command CreateBootstrap() => new Source("bootstrap", "The configuration that the proxy was started with", "b").Build((source, output, text) =>
    {
        var bootstrap = ProxyDump.Parse(text, source.Where).Bootstrap ?? throw new CommandFailedException($"{source.Where} has no bootstrap");
        // There is no short form of it, as with Istio's command line before 1.15.
        return output == "yaml" ? YamlWriter.ToYaml(bootstrap) : bootstrap.ToJsonString(ProxyDump.Indented);
    });

    private static Command CreateCluster()
    {
        var fqdn = new Option<string?>("--fqdn") { Description = "Part of the host" };
        var port = new Option<int?>("--port") { Description = "Port" };
        var direction = new Option<string?>("--direction") { Description = "inbound or outbound" };
        var subset = new Option<string?>("--subset") { Description = "Subset" };
        return new Source("cluster", "The clusters", "clusters", "c") { Filters = [fqdn, port, direction, subset] }.Build((source, output, text, parsed) => Print(
            ProxyDump.Parse(text, source.Where).Clusters.Where(cluster => ClusterTable.Matches(cluster, parsed.GetValue(fqdn), parsed.GetValue(port), parsed.GetValue(direction), parsed.GetValue(subset))),
            output, ClusterTable.Write));
    }

    private static Command CreateListener()
    {
        var address = new Option<string?>("--address") { Description = "Address" };
        var port = new Option<int?>("--port") { Description = "Port" };
        var type = new Option<string?>("--type") { Description = "HTTP, TCP or HTTP+TCP" };
        return new Source("listener", "The listeners", "listeners", "l") { Filters = [address, port, type] }.Build((source, output, text, parsed) => Print(
            ProxyDump.Parse(text, source.Where).Listeners.Where(listener => ListenerTable.Matches(listener, parsed.GetValue(address), parsed.GetValue(port), parsed.GetValue(type))),
            output, ListenerTable.Write));
    }

    private static Command CreateRoute()
    {
        var name = new Option<string?>("--name") { Description = "Name of the route configuration" };
        return new Source("route", "The routes", "routes", "r") { Filters = [name] }.Build((source, output, text, parsed) => Print(
            ProxyDump.Parse(text, source.Where).Routes.Where(route => parsed.GetValue(name) is not { } wanted || (string?)route["name"] == wanted),
            output, RouteTable.Write));
    }

    private static Command CreateEndpoint()
    {
        var address = new Option<string?>("--address") { Description = "Address" };
        var port = new Option<string?>("--port") { Description = "Port" };
        var cluster = new Option<string?>("--cluster") { Description = "Cluster" };
        var status = new Option<string?>("--status") { Description = "healthy or unhealthy" };
        return new Source("endpoint", "The endpoints and how they are", "endpoints", "ep") { Page = ClustersPage, Filters = [address, port, cluster, status] }.Build((source, output, text, parsed) =>
        {
            var entries = EndpointTable.Parse(text, source.Where).Where(entry =>
                (parsed.GetValue(address) is not { } at || entry.Address == at) && (parsed.GetValue(port) is not { } number || entry.Port == number)
                && (parsed.GetValue(cluster) is not { } of || entry.Cluster == of) && (parsed.GetValue(status) is not { } health || string.Equals(entry.Status, health, StringComparison.OrdinalIgnoreCase))).ToList();
            return output == "short" ? EndpointTable.Write(entries) : Print(entries.Select(entry => entry.Json), output, _ => "");
        });
    }

    private static string Print(IEnumerable<JsonObject> items, string output, Func<IEnumerable<JsonObject>, string> table)
    {
        if (output == "short") return table(items);
        var all = new JsonArray([.. items.Select(item => item.DeepClone())]);
        return output == "yaml" ? YamlWriter.ToYaml(all) : all.ToJsonString(ProxyDump.Indented);
    }

    /// <summary>A sub-command that reads one page of one proxy.</summary>
    private sealed class Source(string name, string description, params string[] aliases)
    {
        public string Page { get; init; } = DumpPage;

        public Option[] Filters { get; init; } = [];

        public Command Build(Func<ProxyPages, string, string, string> write) => Build((source, output, text, _) => write(source, output, text));

        public Command Build(Func<ProxyPages, string, string, ParseResult, string> write)
        {
            var pod = new Argument<string?>("pod") { Description = "pod, pod.namespace or pod/name", Arity = ArgumentArity.ZeroOrOne };
            var file = new Option<string?>("--file", "-f") { Description = $"A saved answer of the proxy's /{Page}; - is standard input" };
            var ns = new Option<string?>("--namespace", "-n") { Description = "Namespace of the pod" };
            var kubeconfig = new Option<string?>("--kubeconfig", "-c") { Description = "Where the cluster is" };
            var output = new Option<string>("--output", "-o") { Description = "short, json or yaml", DefaultValueFactory = _ => "short" };
            output.AcceptOnlyFromAmong("short", "json", "yaml");
            var command = new Command(name, description) { pod, file, ns, kubeconfig, output };
            foreach (var alias in aliases) command.Aliases.Add(alias);
            foreach (var filter in Filters) command.Options.Add(filter);
            command.SetAction(async (parsed, cancel) =>
            {
                var source = new ProxyPages(parsed.GetValue(file), parsed.GetValue(pod), parsed.GetValue(ns), parsed.GetValue(kubeconfig));
                Console.WriteLine(write(source, parsed.GetValue(output)!, await source.ReadAsync(Page, cancel), parsed).TrimEnd('\n'));
                return CommandHost.Done;
            });
            return command;
        }
    }
}
