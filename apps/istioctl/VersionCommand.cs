using System.CommandLine;
using System.Text.Json.Nodes;

/// <summary>The command <c>istioctl version</c>: what this program is. Istio's own asks the mesh too unless told <c>--remote=false</c>.</summary>
internal static class VersionCommand
{
    public static Command Create()
    {
        var output = new Option<string?>("--output", "-o") { Description = "json or yaml" };
        output.AcceptOnlyFromAmong("json", "yaml");
        var brief = new Option<bool>("--short", "-s") { Description = "The number alone" };
        var remote = new Option<bool>("--remote") { Description = "Accepted: only the client's version is told", Hidden = true };
        var command = new Command("version", "Print the version of this program") { output, brief, remote };
        command.SetAction(parsed =>
        {
            var version = typeof(VersionCommand).Assembly.GetName().Version!.ToString(3);
            var text = parsed.GetValue(output) switch
            {
                "json" => new JsonObject { ["clientVersion"] = new JsonObject { ["version"] = version } }.ToJsonString(ProxyDump.Indented),
                "yaml" => $"clientVersion:\n  version: {version}",
                _ => parsed.GetValue(brief) ? version : $"client version: {version}",
            };
            Console.WriteLine(text);
            return 0;
        });
        return command;
    }
}
