using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Interop;
using Lateen.Standalone.Layout;

namespace Lateen.Standalone.Setup;

/// <summary>
/// Chooses how sidecars get their traffic, by trying, and brings the mesh up that way: 1. in network namespaces, as root or as root of
/// a user namespace; 2. where those cannot be had, as HTTP proxies at loopback addresses, which takes no privilege at all.
/// </summary>
internal sealed class CaptureChoice(UpRequest request)
{
    private const int FirstNetwork = 64, Networks = 60;

    /// <summary>Runs `up`.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="CommandFailedException">The way that was asked for cannot be had.</exception>
    public async Task<int> RunAsync()
    {
        if (request.Capture is not ("auto" or "namespaces" or "proxy")) throw new CommandFailedException(CommandHost.BadUsage, $"--capture {request.Capture}: there are auto, namespaces and proxy");
        if (request.Capture == "proxy") return await UpByProxyAsync("as asked");
        string problem;
        try
        {
            // 1.
            if (!UserNamespace.IsNeeded)
            {
                if (await FindProblemAsync() is not { } found) return await UpInNamespacesAsync();
                problem = found;
            }
            else if (UserNamespace.FindProblem() is { } missing) problem = missing;
            else return await UserNamespace.RunInNewAsync("up");
        }
        catch (UserNamespaceException refused)
        {
            problem = refused.Message;
        }
        // 2.
        if (request.Capture == "namespaces") throw new CommandFailedException($"traffic cannot be captured in network namespaces on this machine: {problem}");
        return await UpByProxyAsync($"since traffic cannot be captured in network namespaces: {problem}");
    }

    private async Task<string?> FindProblemAsync()
    {
        foreach (var (program, package) in new[] { ("ip", "iproute2"), ("iptables", "iptables"), ("nsenter", "util-linux"), ("setpriv", "util-linux") })
            if (!LocalCommand.Exists(program)) return $"the program {program} is missing (Debian: apt-get install {package})";
        try
        {
            UserNamespace.Prepare(request.Layout);
            return await CaptureTrial.RunAsync(request.Layout.NamespacePrefix + "-trial");
        }
        catch (IOException refused)
        {
            return refused.Message;
        }
    }

    private Task<int> UpInNamespacesAsync()
    {
        var whose = LinuxNamespaces.HasAllUsers ? "" : " of this user's own";
        return UpAsync(request.Layout with { LoopbackNetwork = "" }, $"namespaces{whose}, {(request.Capture == "auto" ? "since a rule that tells the proxy's user from others works there" : "as asked")}");
    }

    private Task<int> UpByProxyAsync(string why) => UpAsync(request.Layout with { LoopbackNetwork = ChooseNetwork() }, $"proxy, {why}");

    private async Task<int> UpAsync(MeshLayout layout, string choice)
    {
        await new MeshUp(request with { Layout = layout }, choice).RunAsync();
        return CommandHost.Done;
    }

    /// <summary>Two neighbouring /16 of 127.0.0.0/8: pods' addresses, and their applications'. A mesh that runs has taken its node's address.</summary>
    private string ChooseNetwork()
    {
        var first = SHA256.HashData(Encoding.UTF8.GetBytes(request.Layout.StateFolder))[0];
        foreach (var number in Enumerable.Range(0, Networks).Select(step => FirstNetwork + 2 * ((first + step) % Networks)))
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
                socket.Bind(new IPEndPoint(IPAddress.Parse($"127.{number}.0.1"), MeshLayout.ApiPort));
                return $"127.{number}";
            }
            catch (SocketException)
            {
                // Another mesh's.
            }
        }
        throw new CommandFailedException("no network of 127.0.0.0/8 is left for another mesh");
    }
}
