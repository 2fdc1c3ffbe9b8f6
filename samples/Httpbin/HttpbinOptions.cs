using System.Globalization;

namespace Lateen.Samples.Httpbin;

/// <summary>Address and dialect of one httpbin process.</summary>
internal sealed record HttpbinOptions(string Url, bool ListsOfValues)
{
    /// <summary>Reads the command line; null when the usage is wrong.</summary>
    public static HttpbinOptions? Parse(string[] args)
    {
        int port = 8080;
        string style = "python", host = Environment.GetEnvironmentVariable("APP_ADDRESS") ?? (System.Net.Sockets.Socket.OSSupportsIPv6 ? "[::]" : "0.0.0.0");
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--style" when i + 1 < args.Length:
                    style = args[++i];
                    break;
                case "--bind" when i + 1 < args.Length:
                    host = args[++i];
                    break;
                default:
                    if (!int.TryParse(args[i], NumberStyles.None, CultureInfo.InvariantCulture, out port) || port > 65535) return null;
                    break;
            }
        }
        return style is "python" or "go" ? new HttpbinOptions($"http://{host}:{port}", style == "go") : null;
    }
}
