using System.Net;
using System.Security.Authentication;
using Lateen.EmbeddedCluster.Admission;
using Lateen.EmbeddedCluster.ApiServer.CustomKinds;
using Lateen.EmbeddedCluster.ApiServer.Discovery;
using Lateen.EmbeddedCluster.ApiServer.Identity;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.ApiServer.Subresources;
using Lateen.EmbeddedCluster.Controllers;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.ApiServer;

/// <summary>A running Kubernetes API server: store, admission, endpoints. Any thread.</summary>
public sealed partial class ClusterApiServer : IAsyncDisposable
{
    private readonly ObjectStore _store;
    private readonly ClusterKeys _keys;
    private readonly CancellationTokenSource _stopping = new();
    private readonly WebApplication _app;
    private readonly ClusterClient _client;
    private readonly ControllerSet? _controllers;
    private readonly WebhookAdmission _webhooks;
    private volatile bool _ready;

    private ClusterApiServer(ApiServerOptions options, ILoggerFactory loggers, TimeProvider clock)
    {
        var logger = loggers.CreateLogger("apiserver");
        _store = ObjectStore.Open(options.DataDirectory);
        _store.WriteFailed += failure => LogStoreFailure(logger, failure);
        _keys = ClusterKeys.Load(Path.Combine(options.DataDirectory, "pki"), clock);
        var addresses = new ServiceAddresses(options.ServiceRange);
        addresses.Restore(_store.List("services").Items);
        var registry = new ResourceRegistry();
        var context = new RuleContext(_store, addresses, clock);
        IAdmission[] own = [new NamespaceAdmission(_store), new ServiceAccountAdmission(_store, clock)];
        _webhooks = new WebhookAdmission(_store, registry, own, logger);
        var operations = new ObjectOperations(context, [.. own, _webhooks]);
        var custom = new CustomKindCatalog(_store, registry);
        custom.Refresh();
        operations.Written += key =>
        {
            if (key.Resource == CustomKindCatalog.Resource) custom.Refresh();
        };
        var tokens = new AccountTokens(_keys.TokenKey, _store, clock);
        var advertise = options.AdvertiseAddress ?? options.BindAddress;
        var documents = new DocumentEndpoint(registry, tokens, $"{advertise}:{options.SecurePort}", () => _ready);
        var authenticator = new Authenticator(_keys, tokens);
        var resources = new ResourceEndpoint(operations, _stopping.Token);
        var router = new RequestRouter(registry, authenticator, documents, new OpenApiEndpoint(registry), resources, new SubresourceEndpoint(operations, resources, tokens),
            new ReviewEndpoint(authenticator, tokens, clock), new NodeProxy(_store, _stopping.Token), logger);
        _client = new ClusterClient(operations, registry);
        if (options.Controllers) _controllers = new ControllerSet(_client, new ControllerOptions(_keys.AuthorityPem, options.LoadBalancerAddress, tokens), logger);
        _app = BuildHost(options, loggers, addresses, advertise);
        _app.Run(router.HandleAsync);
    }

    /// <summary>Host and port that the server listens on.</summary>
    public IPEndPoint Endpoint { get; private set; } = new(IPAddress.None, 0);

    /// <summary>Kubeconfig text for the administrator.</summary>
    public string AdminKubeconfig { get; private set; } = "";

    /// <summary>Opens the state, makes what is missing, and listens.</summary>
    /// <exception cref="IOException">The address is in use, or the folder cannot be used.</exception>
    public static async Task<ClusterApiServer> StartAsync(ApiServerOptions options, ILoggerFactory loggers, TimeProvider? clock = null)
    {
        var server = new ClusterApiServer(options, loggers, clock ?? TimeProvider.System);
        try
        {
            await server.ListenAsync(options).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends watches, finishes requests and writes, and closes the state.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_controllers is not null) await _controllers.DisposeAsync().ConfigureAwait(false);
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5))) await _app.StopAsync(patience.Token).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        _webhooks.Dispose();
        _store.Dispose();
        _keys.Dispose();
        _stopping.Dispose();
    }

    private async Task ListenAsync(ApiServerOptions options)
    {
        await _app.StartAsync().ConfigureAwait(false);
        var address = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        Endpoint = new IPEndPoint(options.BindAddress, address.Port);
        var advertise = options.AdvertiseAddress ?? (options.BindAddress.Equals(IPAddress.Any) ? IPAddress.Loopback : options.BindAddress);
        AdminKubeconfig = Kubeconfig.Text(_keys, options.KubeconfigServer ?? $"https://{new IPEndPoint(advertise, address.Port)}");
        await new ClusterSeed(_client).PlantAsync(options.Namespaces, advertise.ToString(), address.Port).ConfigureAwait(false);
        _controllers?.Start();
        if (options.KubeconfigOut is { } path) Kubeconfig.Write(path, AdminKubeconfig);
        _ready = true;
    }

    private WebApplication BuildHost(ApiServerOptions options, ILoggerFactory loggers, ServiceAddresses addresses, IPAddress advertise)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = options.DataDirectory });
        builder.Services.AddSingleton<ILoggerFactory>(new ServerLoggers(loggers));
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // The reader of bodies refuses what is too large; here the rest is only drained, so that the client hears of it.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 1000;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            // A watch may be silent, and a log or port-forward slow.
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Listen(options.BindAddress, options.SecurePort, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(new HttpsConnectionAdapterOptions
                {
                    ServerCertificate = _keys.Server(CertificateNames(options, addresses, advertise)),
                    SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                    ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                    // Whose certificate it is decides who asks; a foreign one makes an anonymous request, not a broken connection.
                    ClientCertificateValidation = (_, _, _) => true,
                    CheckCertificateRevocation = false,
                });
            });
        });
        return builder.Build();
    }

    private static IEnumerable<string> CertificateNames(ApiServerOptions options, ServiceAddresses addresses, IPAddress advertise)
    {
        string[] fixedNames =
        [
            "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost",
            "127.0.0.1", "::1", addresses.First, advertise.ToString(),
        ];
        var bind = options.BindAddress.Equals(IPAddress.Any) ? [] : (string[])[options.BindAddress.ToString()];
        return fixedNames.Concat(bind).Concat(options.ExtraNames);
    }

    [LoggerMessage(EventId = 10, Level = LogLevel.Error, Message = "the cluster's state could not be written")]
    private static partial void LogStoreFailure(ILogger logger, Exception failure);
}
