using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Foundation.Yaml;
using Lateen.Proxy.Compile;
using Lateen.Rpc;
using Lateen.Rpc.Client;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Tls;

/// <summary>
/// Brings secrets that come neither by the bootstrap nor by ADS: one stream to each cluster that serves them, and files, which are
/// looked at again and again. Runs on the thread pool.
/// </summary>
internal sealed class SecretSources(SecretStore store, Func<string, string?> targetOf, Node node, ILogger log)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);
    private readonly SecretFileWatch _sourceFiles = new(), _secretFiles = new();
    private readonly HashSet<string> _readFiles = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Task> _streams = new(StringComparer.Ordinal);

    public async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            foreach (var source in store.SourcesOf(SecretSourceKind.File)) ReadFile(source);
            store.RefreshFiles(_secretFiles);
            foreach (var source in store.SourcesOf(SecretSourceKind.Cluster))
                if (!_streams.ContainsKey(source.Target))
                    _streams[source.Target] = new SecretStream(store, source, () => targetOf(source.Target), node, log).RunAsync(cancel);
            await Task.Delay(Tick, cancel).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
        }
        await Task.WhenAll(_streams.Values).ConfigureAwait(false);
    }

    /// <summary>A file with a DiscoveryResponse, JSON or YAML (envoy.config.core.v3.PathConfigSource).</summary>
    private void ReadFile(SecretSource source)
    {
        // Names that are wanted later are in the file already: it is read again when one has nothing yet.
        var missing = store.All.Any(slot => slot.Source == source && !slot.HasValue && _readFiles.Add($"{source.Target}|{slot.Name}"));
        if (!_sourceFiles.HasChanged([source.Target]) && !missing) return;
        try
        {
            var response = AnyRegistry.Parse<DiscoveryResponse>(YamlReader.ReadOne(File.ReadAllText(source.Target), source.Target).ToJsonString());
            store.Apply(source, response.Resources, response.VersionInfo);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidProtocolBufferException or InvalidJsonException or FormatException or InvalidOperationException)
        {
            log.LogWarning("the secrets of {File} are not usable: {Problem}", source.Target, e.Message);
            _sourceFiles.TryAgain([source.Target]);
        }
    }
}

/// <summary>
/// One stream of SDS, state of the world: acknowledges what was taken, refuses what is not usable, and opens itself again after a
/// growing, jittered pause. Runs on the thread pool. Source: Envoy's "Secret discovery service".
/// </summary>
internal sealed class SecretStream(SecretStore store, SecretSource source, Func<string?> target, Node node, ILogger log)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200), LongestPause = TimeSpan.FromSeconds(10), NamesTick = TimeSpan.FromMilliseconds(100);
    private static readonly RpcMethod<DiscoveryRequest, DiscoveryResponse> Method = new(RpcKind.Duplex, "envoy.service.secret.v3.SecretDiscoveryService", "StreamSecrets");
    private string _version = "";

    public async Task RunAsync(CancellationToken cancel)
    {
        var pause = FirstPause;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                if (target() is { } address) await StreamAsync(address, () => pause = FirstPause, cancel).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException or UriFormatException or IOException)
            {
                log.LogWarning("the stream of secrets from {Cluster} failed: {Reason}", source.Target, e.Message);
            }
            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), cancel).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task StreamAsync(string address, Action onProgress, CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var channel = RpcChannel.Create(address, new RpcChannelOptions());
        await using var call = channel.OpenDuplex(Method, cancel: ended.Token);
        using var sending = new SemaphoreSlim(1);
        var (nonce, isFirst) = ("", true);
        IReadOnlyList<string> asked = [];
        async Task AskAsync(string? problem)
        {
            await sending.WaitAsync(ended.Token).ConfigureAwait(false);
            try
            {
                asked = store.NamesOf(source);
                var request = new DiscoveryRequest { TypeUrl = TypeUrls.Secret, VersionInfo = _version, ResponseNonce = nonce };
                if (isFirst) request.Node = node;
                isFirst = false;
                request.ResourceNames.AddRange(asked);
                if (problem is not null) request.ErrorDetail = new Google.Rpc.Status { Code = 3, Message = problem };
                await call.WriteAsync(request).ConfigureAwait(false);
            }
            finally
            {
                sending.Release();
            }
        }
        await AskAsync(null).ConfigureAwait(false);
        var watching = WatchNamesAsync(() => asked, () => AskAsync(null), ended.Token);
        try
        {
            await foreach (var response in call.ReadAllAsync(ended.Token).ConfigureAwait(false))
            {
                onProgress();
                nonce = response.Nonce;
                var problem = store.Apply(source, response.Resources, response.VersionInfo);
                if (problem is null) _version = response.VersionInfo;
                await AskAsync(problem).ConfigureAwait(false);
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await watching.ConfigureAwait(false);
        }
    }

    /// <summary>Asks again when more names are wanted.</summary>
    private async Task WatchNamesAsync(Func<IReadOnlyList<string>> asked, Func<Task> askAsync, CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                await Task.Delay(NamesTick, cancel).ConfigureAwait(false);
                if (!store.NamesOf(source).SequenceEqual(asked())) await askAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or RpcException or IOException)
        {
            // The stream is over; its reader says why.
        }
    }
}
