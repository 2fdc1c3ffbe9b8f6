using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lateen.Hosting.Servers;

/// <summary>
/// Some listeners that serve the same endpoints, on Kestrel without the parts of ASP.NET that a control plane does not use.
/// A process may have several. Any thread.
/// </summary>
public sealed class HttpServer : IAsyncDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(3);
    private readonly WebApplication _app;

    private HttpServer(WebApplication app, IReadOnlyList<IPEndPoint> addresses) => (_app, Addresses) = (app, addresses);

    /// <summary>What is listened on, in the order of the listeners, with real ports.</summary>
    public IReadOnlyList<IPEndPoint> Addresses { get; }

    /// <summary>Port of the first listener.</summary>
    public int Port => Addresses[0].Port;

    /// <summary>Binds the listeners and serves.</summary>
    /// <exception cref="IOException">An address is in use or not of this machine.</exception>
    public static async Task<HttpServer> StartAsync(
        ILoggerFactory logs, IReadOnlyList<ServerListener> listeners, Action<IEndpointRouteBuilder> map, CancellationToken cancel = default)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.Replace(ServiceDescriptor.Singleton<ILoggerFactory>(new FrameworkLogs(logs)));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopLimit);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.Http2.MaxStreamsPerConnection = int.MaxValue;
            kestrel.Limits.Http2.InitialConnectionWindowSize = 1 << 20;
            kestrel.Limits.Http2.InitialStreamWindowSize = 1 << 20;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
            foreach (var listener in listeners) kestrel.Listen(listener.Address, options => Configure(options, listener));
        });
        var app = builder.Build();
        app.UseRouting();
        map(app);
        try
        {
            await app.StartAsync(cancel);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
        var bound = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        return new HttpServer(app, [.. bound.Select(address => new Uri(address.Replace("[::]", "[::1]", StringComparison.Ordinal))).Zip(listeners, (uri, l) => new IPEndPoint(l.Address.Address, uri.Port))]);
    }

    /// <summary>Stops: requests that run have three seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static void Configure(ListenOptions options, ServerListener listener)
    {
        options.Protocols = listener.Protocols;
        if (listener.Certificate is not { } files) return;
        options.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = SslStreamCertificateContext.Create(files.Current, files.Chain, offline: true),
                ClientCertificateRequired = listener.ClientAuthorities is not null,
                RemoteCertificateValidationCallback = listener.ClientAuthorities is null
                    ? null
                    : (_, certificate, _, _) => certificate is null ? !listener.RequireClientCertificate : IsFrom(listener.ClientAuthorities, (X509Certificate2)certificate),
            }),
        });
    }

    /// <summary>A client is known by its authority alone: its names are for the handlers to judge.</summary>
    private static bool IsFrom(X509Certificate2Collection authorities, X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        return chain.Build(certificate);
    }
}
