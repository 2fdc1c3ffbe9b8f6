using System.Diagnostics;
using Lateen.Support;
using Xunit;

namespace Lateen.Conformance.Tests.Http2;

/// <summary>Programs of others that know HTTP/2 and gRPC judge the proxy.</summary>
public sealed class Http2ConformanceTests
{
    [Fact]
    public async Task H2spec_passes_whole()
    {
        var h2spec = Tools.Require("h2spec");
        using var upstream = new PatientUpstream();
        await using var proxy = await ConformanceProxy.StartAsync(upstream.Port, http2Upstream: false);
        var (_, output) = await RunAsync(h2spec, "-h", "127.0.0.1", "-p", proxy.Port.ToString(), "-o", "10");
        Assert.Contains("145 tests, 145 passed, 0 skipped, 0 failed", output);
    }

    /// <summary>All cases that need no credentials of a cloud; then ten thousand streams, fifty at a time.</summary>
    [Fact]
    public async Task Grpc_interoperability_passes_whole()
    {
        var (client, serverPath) = (Tools.Require("grpc-interop-client"), Tools.Require("grpc-interop-server"));
        var port = FreePorts.Many(1)[0];
        using var server = Process.Start(new ProcessStartInfo(serverPath, ["-port", port.ToString()]) { RedirectStandardError = true })!;
        try
        {
            server.BeginErrorReadLine();
            await ConformanceProxy.ListensAsync(port);
            await using var proxy = await ConformanceProxy.StartAsync(port, http2Upstream: true);
            string[] cases =
            [
                "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream", "timeout_on_sleeping_server", "cancel_after_begin",
                "cancel_after_first_response", "status_code_and_message", "special_status_message", "custom_metadata", "unimplemented_method", "unimplemented_service", "rpc_soak",
            ];
            var failures = new List<string>();
            foreach (var name in cases)
            {
                string[] more = name == "rpc_soak"
                    ? ["-soak_iterations=10000", "-soak_num_threads=50", "-soak_request_size=10", "-soak_response_size=10", "-soak_overall_timeout_seconds=120", "-soak_per_iteration_max_acceptable_latency_ms=120000"]
                    : [];
                var (code, output) = await RunAsync(client, ["-use_tls=false", "-server_host=127.0.0.1", $"-server_port={proxy.Port}", $"-test_case={name}", .. more]);
                if (code != 0) failures.Add($"{name}: {output}");
            }
            Assert.Empty(failures);
        }
        finally
        {
            server.Kill();
        }
    }

    private static async Task<(int Code, string Output)> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        try
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output + await errors);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }
}
