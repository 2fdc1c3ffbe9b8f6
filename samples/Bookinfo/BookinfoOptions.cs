using System.Globalization;

namespace Lateen.Samples.Bookinfo;

/// <summary>What one Bookinfo process is: its role, version, address, and where the other roles are found.</summary>
internal sealed record BookinfoOptions(string Role, string Version, string Url, Func<string, Uri> AddressOf)
{
    private const int DefaultPort = 9080;
    private static readonly string[] Roles = ["productpage", "details", "reviews", "ratings"];

    /// <summary>Reads the command line and the environment variables of Istio's images; null when the usage is wrong.</summary>
    public static BookinfoOptions? Parse(string[] args, Func<string, string?> environment)
    {
        string? role = null, version = environment("SERVICE_VERSION"), bind = null;
        var port = DefaultPort;
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] is "--version" or "--bind")
            {
                if (i + 1 == args.Length) return null;
                if (args[i] == "--version") version = args[++i];
                else bind = args[++i];
            }
            else if (role is null) role = args[i];
            else if (!int.TryParse(args[i], NumberStyles.None, CultureInfo.InvariantCulture, out port) || port > 65535) return null;
        }
        if (role is null || !Roles.Contains(role)) return null;
        // A pod without a network of its own is told where to listen, lest it be in the way of the others.
        var host = bind ?? environment("APP_ADDRESS") ?? (System.Net.Sockets.Socket.OSSupportsIPv6 ? "[::]" : "0.0.0.0");
        return new BookinfoOptions(role, version ?? "v1", $"http://{host}:{port}", service => Locate(service, environment));
    }

    /// <summary>
    /// SERVICES_DOMAIN, X_HOSTNAME and X_SERVICE_PORT move a service. Kubernetes sets X_SERVICE_PORT for every service
    /// of the namespace too, with the same meaning.
    /// </summary>
    private static Uri Locate(string service, Func<string, string?> environment)
    {
        var name = service.ToUpperInvariant();
        var host = environment($"{name}_HOSTNAME") is { Length: > 0 } given ? given : service;
        if (environment("SERVICES_DOMAIN") is { Length: > 0 } domain) host = $"{host}.{domain}";
        var port = environment($"{name}_SERVICE_PORT") is { Length: > 0 } number ? number : DefaultPort.ToString(CultureInfo.InvariantCulture);
        return new Uri($"http://{host}:{port}");
    }
}
