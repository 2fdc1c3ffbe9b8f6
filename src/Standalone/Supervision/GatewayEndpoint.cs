using System.Net;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;
using Lateen.Kubernetes.Informers;
using Lateen.Kubernetes.Models;
using Microsoft.Extensions.Logging;

namespace Lateen.Standalone.Supervision;

/// <summary>
/// Knows where the ingress gateway is, for a relay without a network namespace in which the gateway's service address would lead
/// there. What was known last stays while the API server is away. Any thread.
/// </summary>
internal sealed class GatewayEndpoint : IAsyncDisposable
{
    private const string Space = "istio-system", Name = "istio-ingressgateway";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _starting;
    private KubeClient? _client;
    private volatile Informer? _endpoints;

    /// <summary>Begins to look when the API server has written its kubeconfig.</summary>
    public GatewayEndpoint(string kubeconfig, ILogger log) => _starting = StartAsync(kubeconfig, log);

    /// <summary>A ready address of a port of the gateway; null while there is none.</summary>
    public IPEndPoint? Find(string port)
    {
        if (_endpoints?.Get(Space, Name) is not { } json) return null;
        var found = new Endpoints(json).All.FirstOrDefault(endpoint => endpoint.Ready && endpoint.PortName == port);
        return found is not null && IPAddress.TryParse(found.Address, out var address) ? new IPEndPoint(address, found.Port) : null;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _starting.ContinueWith(_ => { }, TaskScheduler.Default);
        if (_endpoints is { } endpoints) await endpoints.DisposeAsync();
        _client?.Dispose();
        _stopping.Dispose();
    }

    private async Task StartAsync(string kubeconfig, ILogger log)
    {
        while (!File.Exists(kubeconfig)) await Task.Delay(Pause, _stopping.Token);
        _client = new KubeClient(KubeClientOptions.FromKubeconfig(kubeconfig));
        _endpoints = new Informer(_client, KubeResource.Endpoints, Space, log: log).Start();
    }
}
