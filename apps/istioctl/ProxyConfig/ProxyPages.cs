using Lateen.Foundation.Cli;
using Lateen.Kubernetes.Client;

/// <summary>
/// Gets pages of a proxy's administration interface: out of a pod by its agent, as Istio's command line does, or from a file that was
/// saved before.
/// </summary>
/// <param name="File">A saved page; - is standard input.</param>
/// <param name="Pod">pod, pod.namespace or pod/name.</param>
/// <param name="Namespace">Of the pod, when its name does not say.</param>
/// <param name="Kubeconfig">Where the cluster is.</param>
internal sealed record ProxyPages(string? File, string? Pod, string? Namespace, string? Kubeconfig)
{
    private const string Container = "istio-proxy";

    /// <summary>Where the pages come from, for messages.</summary>
    public string Where => File ?? Pod ?? "";

    /// <summary>One page.</summary>
    /// <exception cref="CommandFailedException">There is no file or pod, or it does not answer.</exception>
    public async Task<string> ReadAsync(string page, CancellationToken cancel)
    {
        if (File is not null && Pod is not null) throw new CommandFailedException(CommandHost.BadUsage, "a pod and --file exclude each other");
        if (File is not null) return ReadFile();
        if (Pod is null) throw new CommandFailedException(CommandHost.BadUsage, "name a pod, or a saved dump by --file");
        try
        {
            var options = KubeClientOptions.FromDefaults(Kubeconfig);
            var name = Pod.StartsWith("pod/", StringComparison.Ordinal) ? Pod[4..] : Pod;
            var dot = name.IndexOf('.', StringComparison.Ordinal);
            var (pod, ns) = dot < 0 ? (name, Namespace ?? options.Namespace) : (name[..dot], name[(dot + 1)..]);
            return (await PodExec.RunAsync(options, ns, pod, Container, ["pilot-agent", "request", "GET", page], cancel)).Output;
        }
        catch (Exception e) when (e is KubeException or FormatException or IOException)
        {
            throw new CommandFailedException(e.Message, e);
        }
    }

    private string ReadFile()
    {
        try
        {
            return File == "-" ? Console.In.ReadToEnd() : System.IO.File.ReadAllText(File!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"{File}: {e.Message}", e);
        }
    }
}
