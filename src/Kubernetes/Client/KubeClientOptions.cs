using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.Foundation.Yaml;

namespace Lateen.Kubernetes.Client;

/// <summary>Where the API server is and how to prove who asks. Immutable.</summary>
public sealed record KubeClientOptions
{
    private const string ServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Base URL of the API server.</summary>
    public required Uri Server { get; init; }

    /// <summary>Certificates of the authorities that may vouch for the server; null for those of the system.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>Do not verify the server at all.</summary>
    public bool SkipVerification { get; init; }

    /// <summary>Certificate and key that prove who asks, or null.</summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>Gives the bearer token for each request (it may rotate), or null.</summary>
    public Func<string?>? Token { get; init; }

    /// <summary>Namespace of the context or pod.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>Sent as User-Agent; shows in audit logs and field managers.</summary>
    public string UserAgent { get; init; } = "lateen";

    /// <summary>
    /// As kubectl finds it: the given file, else $KUBECONFIG, else the pod's service account, else ~/.kube/config.
    /// </summary>
    public static KubeClientOptions FromDefaults(string? kubeconfig = null, string? context = null)
    {
        if (!string.IsNullOrEmpty(kubeconfig)) return FromKubeconfig(kubeconfig, context);
        if (Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 } paths)
            return FromKubeconfig(paths.Split(':', StringSplitOptions.RemoveEmptyEntries)[0], context);
        return Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is { Length: > 0 } && File.Exists($"{ServiceAccountFolder}/token")
            ? InCluster()
            : FromKubeconfig(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config"), context);
    }

    /// <summary>As a pod finds it: environment variables and the mounted service account.</summary>
    public static KubeClientOptions InCluster()
    {
        var host = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") ?? throw new FormatException("KUBERNETES_SERVICE_HOST is not set");
        var port = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT") ?? "443";
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile($"{ServiceAccountFolder}/ca.crt");
        return new KubeClientOptions
        {
            Server = new Uri($"https://{(host.Contains(':') ? $"[{host}]" : host)}:{port}"),
            Authorities = authorities,
            Token = () => File.ReadAllText($"{ServiceAccountFolder}/token").Trim(),
            Namespace = File.Exists($"{ServiceAccountFolder}/namespace") ? File.ReadAllText($"{ServiceAccountFolder}/namespace").Trim() : "default",
        };
    }

    /// <summary>Reads a kubeconfig file.</summary>
    /// <exception cref="FormatException">The file, or an entry that the context names, cannot be used; the message says which.</exception>
    public static KubeClientOptions FromKubeconfig(string path, string? context = null)
    {
        if (!File.Exists(path)) throw new FormatException($"{path}: there is no such kubeconfig file");
        var root = YamlReader.ReadOne(File.ReadAllText(path), path).AsObject();
        var contextName = context ?? (string?)root["current-context"] ?? "";
        var chosen = Entry(root, "contexts", contextName, "context", path);
        var cluster = Entry(root, "clusters", (string?)chosen["cluster"] ?? "", "cluster", path);
        var user = (string?)chosen["user"] is { Length: > 0 } userName ? Entry(root, "users", userName, "user", path) : [];
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return new KubeClientOptions
        {
            Server = new Uri((string?)cluster["server"] ?? throw new FormatException($"{path}: the cluster of context '{contextName}' has no server")),
            SkipVerification = (bool?)cluster["insecure-skip-tls-verify"] ?? false,
            Authorities = Authority(cluster, folder),
            ClientCertificate = Certificate(user, folder),
            Token = TokenOf(user, folder),
            Namespace = (string?)chosen["namespace"] ?? "default",
        };
    }

    private static JsonObject Entry(JsonObject root, string list, string name, string field, string path) =>
        (root[list] as JsonArray)?.FirstOrDefault(entry => (string?)entry?["name"] == name)?[field] as JsonObject
        ?? throw new FormatException($"{path}: {list} has no entry '{name}'");

    private static X509Certificate2Collection? Authority(JsonObject cluster, string folder)
    {
        if (Pem(cluster, "certificate-authority", folder) is not { } pem) return null;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(pem);
        return authorities;
    }

    private static X509Certificate2? Certificate(JsonObject user, string folder)
    {
        if (Pem(user, "client-certificate", folder) is not { } certificate || Pem(user, "client-key", folder) is not { } key) return null;
        using var parsed = X509Certificate2.CreateFromPem(certificate, key);
        return X509CertificateLoader.LoadPkcs12(parsed.Export(X509ContentType.Pkcs12), null);
    }

    private static Func<string?>? TokenOf(JsonObject user, string folder)
    {
        if ((string?)user["token"] is { Length: > 0 } token) return () => token;
        if ((string?)user["tokenFile"] is not { Length: > 0 } file) return null;
        var path = Path.Combine(folder, file);
        return () => File.ReadAllText(path).Trim();
    }

    private static string? Pem(JsonObject entry, string field, string folder)
    {
        if ((string?)entry[$"{field}-data"] is { Length: > 0 } data) return Encoding.UTF8.GetString(Convert.FromBase64String(data));
        return (string?)entry[field] is { Length: > 0 } file ? File.ReadAllText(Path.Combine(folder, file)) : null;
    }
}
