using System.CommandLine;
using System.Net.Mime;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Logging;
using Lateen.Galley.Admission;
using Lateen.Hosting.Servers;
using Lateen.Hosting.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Lateen.Galley;

/// <summary>The command <c>galley server</c>: the validation webhook on HTTPS. Names and defaults of galley/cmd/galley of Istio 1.1.</summary>
public static class GalleyCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "HTTPS port of the validation service", DefaultValueFactory = _ => 443 };
        var certificate = new Option<string>("--tlsCertFile") { Description = "Server certificate", DefaultValueFactory = _ => "/etc/certs/cert-chain.pem" };
        var key = new Option<string>("--tlsKeyFile") { Description = "Its key", DefaultValueFactory = _ => "/etc/certs/key.pem" };
        var bind = new Option<string>("--bind-address") { Description = "Where to listen; empty for everywhere", DefaultValueFactory = _ => "" };
        var validation = new Option<bool>("--enable-validation") { Description = "Serve the validation webhook", DefaultValueFactory = _ => true };
        var source = new Option<bool>("--enable-server") { Description = "Serve configuration over MCP: not there yet" };
        var logging = new LogOptions();
        var server = new Command("server", "Judge configuration before it is stored") { port, bind, certificate, key, validation, source };
        logging.AddTo(server);
        server.SetAction(async (parsed, _) =>
        {
            if (parsed.GetValue(source)) throw new CommandFailedException("--enable-server: Galley serves no MCP yet; Pilot reads the API server itself");
            if (!parsed.GetValue(validation)) throw new CommandFailedException("--enable-validation=false leaves nothing to serve");
            using var logs = logging.Bind(parsed).CreateFactory();
            using var signals = new ProcessSignals();
            var log = logs.CreateLogger("validation");
            var listener = new ServerListener(ServerListener.ParseAddress($"{parsed.GetValue(bind)}:{parsed.GetValue(port)}")) { Certificate = new CertificateFiles(parsed.GetValue(certificate)!, parsed.GetValue(key)!, log) };
            await using var http = await HttpServer.StartAsync(logs, [listener], endpoints =>
            {
                // 1.1's two paths, and the one of today.
                foreach (var path in (ReadOnlySpan<string>)["/admitpilot", "/admitmixer", "/validate"])
                    endpoints.MapAdmission(path, (request, _) => ValueTask.FromResult(ValidationWebhook.Handle(request)), log);
                endpoints.MapGet("/ready", () => Results.Text("", MediaTypeNames.Text.Plain));
            });
            await Task.Delay(Timeout.Infinite, signals.Stopping).ContinueWith(_ => { }, TaskScheduler.Default);
            return 0;
        });
        return new Command("galley", "Validates configuration") { server };
    }
}
