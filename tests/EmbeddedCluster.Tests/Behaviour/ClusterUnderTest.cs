using System.Net;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>An API server that behaviour is tried on: the embedded one, or Kubernetes' own. Started at the first use.</summary>
public abstract class ClusterUnderTest : IAsyncLifetime
{
    private readonly SemaphoreSlim _gate = new(1);
    private ApiClient? _client;

    /// <summary>The server's client, as its administrator.</summary>
    public async Task<ApiClient> ClientAsync()
    {
        await _gate.WaitAsync();
        try
        {
            return _client ??= await StartAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Whether it has controllers, so that namespaces get service accounts and deployments pods.</summary>
    public abstract bool HasControllers { get; }

    /// <summary>A kubeconfig file for the server.</summary>
    public abstract string Kubeconfig { get; }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual ValueTask DisposeAsync()
    {
        _client?.Dispose();
        _gate.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    protected abstract Task<ApiClient> StartAsync();
}

/// <summary>The embedded API server, in this process.</summary>
public sealed class EmbeddedClusterUnderTest : ClusterUnderTest
{
    private readonly TempFolder _folder = new();
    private ClusterApiServer? _server;

    public override bool HasControllers => true;

    public override string Kubeconfig => _folder.PathOf("kubeconfig");

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
        _folder.Dispose();
    }

    protected override async Task<ApiClient> StartAsync()
    {
        _server = await ClusterApiServer.StartAsync(new ApiServerOptions
        {
            DataDirectory = _folder.PathOf("state"), BindAddress = IPAddress.Loopback, SecurePort = 0, KubeconfigOut = Kubeconfig,
        }, NullLoggerFactory.Instance);
        var token = await File.ReadAllTextAsync(_folder.PathOf("state", "pki", "admin.token"));
        return new ApiClient(new Uri($"https://{_server.Endpoint}"), token);
    }
}

/// <summary>Kubernetes' own API server, without controllers.</summary>
public sealed class RealClusterUnderTest : ClusterUnderTest
{
    private RealApiServer? _server;

    public override bool HasControllers => false;

    public override string Kubeconfig => _server!.Kubeconfig;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
    }

    protected override async Task<ApiClient> StartAsync()
    {
        _server = await RealApiServer.StartAsync();
        return new ApiClient(_server.Url, _server.Token);
    }
}

/// <summary>The tests on the embedded server share one.</summary>
[CollectionDefinition(Name)]
public sealed class EmbeddedCollection : ICollectionFixture<EmbeddedClusterUnderTest>
{
    public const string Name = "embedded API server";
}

/// <summary>The tests on Kubernetes' server share one, whose start takes seconds.</summary>
[CollectionDefinition(Name)]
public sealed class RealCollection : ICollectionFixture<RealClusterUnderTest>
{
    public const string Name = "kube-apiserver";
}
