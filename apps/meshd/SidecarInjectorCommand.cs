using System.CommandLine;
using System.Text.Json.Nodes;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Logging;
using Lateen.Foundation.Yaml;
using Lateen.Hosting.Servers;
using Lateen.Hosting.Webhooks;
using Lateen.Injector.Admission;
using Lateen.Injector.Injection;

/// <summary>The command sidecar-injector: the injection webhook on HTTPS.</summary>
internal static class SidecarInjectorCommand
{
    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Webhook port", DefaultValueFactory = _ => 443 };
        var certificate = new Option<string>("--tlsCertFile") { Description = "Server certificate", DefaultValueFactory = _ => "/etc/istio/certs/cert-chain.pem" };
        var key = new Option<string>("--tlsKeyFile") { Description = "Its key", DefaultValueFactory = _ => "/etc/istio/certs/key.pem" };
        var mesh = new Option<string?>("--meshConfig") { Description = "Mesh configuration file" };
        var image = new Option<string>("--proxyImage") { Description = "Image of init container and sidecar", DefaultValueFactory = _ => new InjectionConfig().ProxyImage };
        var bind = new Option<string>("--bind-address") { Description = "Where to listen; empty for everywhere", DefaultValueFactory = _ => "" };
        var proxyPort = new Option<int>("--applicationProxyPort") { Description = "Port of sidecars that applications are told by HTTP_PROXY where nothing is captured; 0 tells them nothing" };
        var logging = new LogOptions();
        var command = new Command("sidecar-injector", "The webhook that adds sidecars to pods") { port, certificate, key, mesh, image, bind, proxyPort };
        logging.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            using var logs = logging.Bind(parsed).CreateFactory();
            using var signals = new ProcessSignals();
            var log = logs.CreateLogger("default");
            var webhook = new InjectionWebhook(new InjectionConfig { ProxyImage = parsed.GetValue(image)!, DefaultProxyConfig = DefaultConfig(parsed.GetValue(mesh)), ApplicationProxyPort = parsed.GetValue(proxyPort) });
            var listener = new ServerListener(ServerListener.ParseAddress($"{parsed.GetValue(bind)}:{parsed.GetValue(port)}")) { Certificate = new CertificateFiles(parsed.GetValue(certificate)!, parsed.GetValue(key)!, log) };
            await using var server = await HttpServer.StartAsync(logs, [listener], endpoints => endpoints.MapAdmission("/inject", (request, _) => ValueTask.FromResult(webhook.Handle(request)), log));
            await Task.Delay(Timeout.Infinite, signals.Stopping).ContinueWith(_ => { }, TaskScheduler.Default);
            return 0;
        });
        return command;
    }

    private static JsonObject DefaultConfig(string? file)
    {
        if (file is null || YamlReader.ReadOne(File.ReadAllText(file), file) is not JsonObject mesh || mesh["defaultConfig"] is not JsonObject config) return [];
        return config.DeepClone().AsObject();
    }
}
