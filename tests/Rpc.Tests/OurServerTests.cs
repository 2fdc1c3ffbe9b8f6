using Lateen.Hosting.Servers;
using Lateen.Rpc.Tests.Interop;
using Lateen.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lateen.Rpc.Tests;

/// <summary>A server of ours, called by other people's gRPC.</summary>
public sealed class OurServerTests
{
    [Theory]
    [InlineData("empty_unary")]
    [InlineData("large_unary")]
    [InlineData("client_streaming")]
    [InlineData("server_streaming")]
    [InlineData("ping_pong")]
    [InlineData("empty_stream")]
    [InlineData("cancel_after_begin")]
    [InlineData("cancel_after_first_response")]
    [InlineData("timeout_on_sleeping_server")]
    [InlineData("status_code_and_message")]
    [InlineData("special_status_message")]
    [InlineData("custom_metadata")]
    [InlineData("unimplemented_method")]
    [InlineData("unimplemented_service")]
    public async Task GrpcsOwnClientIsServed(string name)
    {
        var client = Tools.Require("grpc-interop-client");
        await using var server = await InteropServer.StartAsync();
        using var run = await LocalProcess.RunAsync(client, ["-server_host=127.0.0.1", $"-server_port={server.Port}", $"-test_case={name}"]);
        Assert.True(run.ExitCode == 0, run.Output);
    }

    [Fact]
    public async Task GrpcsOwnClientIsServedOverTls()
    {
        var client = Tools.Require("grpc-interop-client");
        using var folder = new TempFolder();
        using var authority = new TestCertificates();
        authority.WriteTo(folder, "interop.test");
        await using var server = await InteropServer.StartAsync(new CertificateFiles(folder.PathOf("cert.pem"), folder.PathOf("key.pem"), NullLogger.Instance));
        using var run = await LocalProcess.RunAsync(
            client,
            ["-server_host=127.0.0.1", $"-server_port={server.Port}", "-test_case=large_unary", "-use_tls", $"-ca_file={folder.PathOf("root.pem")}", "-use_test_ca", "-server_host_override=interop.test"]);
        Assert.True(run.ExitCode == 0, run.Output);
    }

    [Fact]
    public async Task GrpcJsIsServed()
    {
        await using var server = await InteropServer.StartAsync();
        using var client = await NodePeer.StartAsync("client.js", $"{server.Port}");
        Assert.Equal(0, await client.WaitAsync(TimeSpan.FromSeconds(60)));
        var lines = client.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.EndsWith(" ok", line));
        Assert.Equal(17, lines.Length);
    }
}
