using System.CommandLine;
using System.Text.Json.Nodes;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Yaml;
using Lateen.Rpc;

/// <summary>The command <c>istioctl x xds-dump</c>: asks a server for everything that it would tell a proxy, as that proxy.</summary>
internal static class XdsDumpCommand
{
    private static readonly (string Short, string Url, string Title)[] Types =
    [
        ("cds", TypeUrls.Cluster, "clusters"), ("eds", TypeUrls.Endpoint, "endpoints"), ("lds", TypeUrls.Listener, "listeners"), ("rds", TypeUrls.Route, "routes"), ("sds", TypeUrls.Secret, "secrets"),
    ];

    public static Command Create()
    {
        var address = new Option<string>("--addr") { Description = "host:port of an xDS v3 server, or a URL with http, https or unix", Required = true };
        var id = new Option<string>("--node") { Description = "Id of the proxy, such as sidecar~10.0.0.1~pod.namespace~namespace.svc.cluster.local", Required = true };
        var metadata = new Option<string?>("--metadata") { Description = "File with the metadata of the node, YAML or JSON" };
        var types = new Option<string>("--types") { Description = "Of cds, eds, lds, rds and sds, with commas between them", DefaultValueFactory = _ => "cds,eds,lds,rds" };
        var delta = new Option<bool>("--delta") { Description = "By the incremental protocol" };
        var timeout = new Option<int>("--timeout") { Description = "Seconds to wait for each answer", DefaultValueFactory = _ => 10 };
        var output = new Option<string>("--output", "-o") { Description = "json or yaml", DefaultValueFactory = _ => "json" };
        output.AcceptOnlyFromAmong("json", "yaml");
        var command = new Command("xds-dump", "Show what an xDS server tells a proxy") { address, id, metadata, types, delta, timeout, output };
        command.SetAction(async (parsed, cancel) =>
        {
            List<string> wanted = [.. parsed.GetValue(types)!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(UrlOf)];
            var node = new Node { Id = parsed.GetValue(id)!, Metadata = ReadMetadata(parsed.GetValue(metadata)) };
            var at = parsed.GetValue(address)!;
            try
            {
                await using var session = new XdsSession(at.Contains("://", StringComparison.Ordinal) ? at : "http://" + at, node, parsed.GetValue(delta), TimeSpan.FromSeconds(parsed.GetValue(timeout)), cancel);
                var all = await session.ReadAsync(wanted);
                var dump = new JsonObject();
                foreach (var (_, url, title) in Types)
                    if (all.TryGetValue(url, out var resources)) dump[title] = new JsonArray([.. resources.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => AnyJson.Of(r.Value))]);
                Console.WriteLine(parsed.GetValue(output) == "yaml" ? YamlWriter.ToYaml(dump).TrimEnd('\n') : dump.ToJsonString(ProxyDump.Indented));
                return CommandHost.Done;
            }
            catch (RpcException e)
            {
                throw new CommandFailedException($"{at}: {e.Status.Code}: {e.Status.Message}", e);
            }
            catch (UriFormatException e)
            {
                throw new CommandFailedException(CommandHost.BadUsage, $"--addr {at}: {e.Message}");
            }
        });
        return command;
    }

    private static string UrlOf(string name) => Array.Find(Types, t => t.Short == name || t.Url == name).Url
        ?? throw new CommandFailedException(CommandHost.BadUsage, $"--types {name}: there are {string.Join(", ", Types.Select(t => t.Short))}");

    private static Struct ReadMetadata(string? file)
    {
        if (file == null) return new();
        try
        {
            var documents = YamlReader.ReadAll(File.ReadAllText(file), file).ToList();
            if (documents is [{ Error: { } error }, ..]) throw new CommandFailedException($"{file}: {error}");
            return documents is [{ Root: JsonObject root }] ? JsonParser.Default.Parse<Struct>(root.ToJsonString()) : throw new CommandFailedException($"{file} is not one object");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidProtocolBufferException)
        {
            throw new CommandFailedException($"{file}: {e.Message}", e);
        }
    }
}
