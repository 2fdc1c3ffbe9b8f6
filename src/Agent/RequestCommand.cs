using System.CommandLine;
using Lateen.Agent.Bootstrap;
using Lateen.Foundation.Cli;

namespace Lateen.Agent;

/// <summary>The command pilot-agent request: one page of the proxy's administration interface, for istioctl, which calls it in the pod.</summary>
internal static class RequestCommand
{
    public static Command Create()
    {
        var method = new Argument<string>("method") { Description = "GET or POST" };
        var path = new Argument<string>("path") { Description = "Page of the administration interface, such as config_dump" };
        var port = new Option<int>("--debug-port") { Description = "Port of the administration interface", DefaultValueFactory = _ => 15000 };
        var command = new Command("request", "Ask the proxy for a page of its administration interface") { method, path, port };
        command.SetAction(async (parsed, cancel) =>
        {
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            var variables = Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "");
            var node = NodeIdentity.Read("sidecar", null, [], Environment.GetEnvironmentVariable, variables, "");
            using var request = new HttpRequestMessage(HttpMethod.Parse(parsed.GetValue(method)), $"http://{node.AdminAddress}:{parsed.GetValue(port)}/{parsed.GetValue(path)!.TrimStart('/')}");
            try
            {
                using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
                if (!response.IsSuccessStatusCode) throw new CommandFailedException($"the proxy answered with status {(int)response.StatusCode}: {(await response.Content.ReadAsStringAsync(cancel)).Trim()}");
                await using var output = Console.OpenStandardOutput();
                await response.Content.CopyToAsync(output, cancel);
                return CommandHost.Done;
            }
            catch (HttpRequestException e)
            {
                throw new CommandFailedException($"the proxy does not answer: {e.GetBaseException().Message}", e);
            }
        });
        return command;
    }
}
