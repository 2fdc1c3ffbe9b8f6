using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Serving;

/// <summary>Runs a program in a container for a client. Owned by one request.</summary>
internal static class ExecSession
{
    /// <summary>Runs the program to its end, or until the client is gone.</summary>
    public static async Task RunAsync(
        ExecStreams streams, ContainerPlan plan, ProcessIdentity container, IReadOnlyList<string> command, bool withTerminal, bool withInput, CancellationToken cancel)
    {
        using var lifetime = CancellationTokenSource.CreateLinkedTokenSource(cancel, streams.Gone.Token);
        JsonObject status;
        try
        {
            var code = withTerminal
                ? await RunInTerminalAsync(streams, plan, container, command, lifetime.Token)
                : await RunWithPipesAsync(streams, plan, container, command, withInput, lifetime.Token);
            status = StatusOf(code);
        }
        catch (IOException failure)
        {
            status = Failure(failure.Message);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        await streams.FinishAsync(status, cancel);
    }

    /// <summary>Success.</summary>
    public static JsonObject Success() => new() { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success" };

    private static async Task<int> RunWithPipesAsync(
        ExecStreams streams, ContainerPlan plan, ProcessIdentity container, IReadOnlyList<string> command, bool withInput, CancellationToken cancel)
    {
        using var process = await ContainerExec.StartAsync(plan, container, command);
        try
        {
            var output = CopyAsync(process.StandardOutput.BaseStream, streams, ExecOutput.Standard, cancel);
            var error = CopyAsync(process.StandardError.BaseStream, streams, ExecOutput.Error, cancel);
            if (!withInput) process.StandardInput.Close();
            var input = withInput ? TypeAsync(streams, process.StandardInput.BaseStream, cancel) : Task.CompletedTask;
            await process.WaitForExitAsync(cancel);
            // A program left in the background may hold the pipes open for ever; what it prints later is not waited for.
            await Task.WhenAny(Task.WhenAll(output, error), Task.Delay(TimeSpan.FromSeconds(1), cancel));
            return process.ExitCode;
        }
        finally
        {
            Stop(process);
        }
    }

    private static async Task<int> RunInTerminalAsync(
        ExecStreams streams, ContainerPlan plan, ProcessIdentity container, IReadOnlyList<string> command, CancellationToken cancel)
    {
        using var terminal = PseudoTerminal.Open();
        // The first size usually comes with the request; a program that asks for it at its start should find it.
        if (await FirstSizeAsync(streams, cancel) is { } first) terminal.Resize(first.Columns, first.Rows);
        using var process = await ContainerExec.StartAsync(plan with { Environment = WithTerm(plan.Environment) }, container, command, terminal);
        try
        {
            var output = CopyTerminalAsync(terminal, streams, cancel);
            _ = TypeAsync(streams, terminal, cancel);
            _ = ResizeAsync(streams, terminal, cancel);
            await process.WaitForExitAsync(cancel);
            await Task.WhenAny(output, Task.Delay(TimeSpan.FromSeconds(1), cancel));
            return process.ExitCode;
        }
        finally
        {
            Stop(process);
        }
    }

    private static async Task<(ushort Columns, ushort Rows)?> FirstSizeAsync(ExecStreams streams, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(TimeSpan.FromMilliseconds(200));
        try
        {
            return await streams.Sizes.Reader.ReadAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
    }

    private static async Task CopyAsync(Stream from, ExecStreams streams, ExecOutput output, CancellationToken cancel)
    {
        var buffer = new byte[32 * 1024];
        int count;
        while ((count = await from.ReadAsync(buffer, cancel)) > 0) await streams.WriteAsync(output, buffer.AsMemory(0, count), cancel);
    }

    // Reading a terminal blocks: it gets a thread for as long as the session lasts.
    private static Task CopyTerminalAsync(PseudoTerminal terminal, ExecStreams streams, CancellationToken cancel) => Task.Factory.StartNew(
        () =>
        {
            var buffer = new byte[32 * 1024];
            try
            {
                int count;
                while ((count = terminal.Read(buffer)) > 0) streams.WriteAsync(ExecOutput.Standard, buffer.AsMemory(0, count), cancel).GetAwaiter().GetResult();
            }
            catch (Exception ended) when (ended is IOException or ObjectDisposedException or OperationCanceledException)
            {
                // The client is gone.
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    private static async Task TypeAsync(ExecStreams streams, Stream program, CancellationToken cancel)
    {
        try
        {
            await foreach (var bytes in streams.Input.Reader.ReadAllAsync(cancel))
            {
                await program.WriteAsync(bytes, cancel);
                await program.FlushAsync(cancel);
            }
            program.Close();
        }
        catch (Exception ended) when (ended is IOException or OperationCanceledException)
        {
            // The program reads no more.
        }
    }

    private static async Task TypeAsync(ExecStreams streams, PseudoTerminal terminal, CancellationToken cancel)
    {
        try
        {
            await foreach (var bytes in streams.Input.Reader.ReadAllAsync(cancel))
                if (!terminal.Write(bytes.Span)) return;
            terminal.Write("\u0004"u8); // the end of input, as a person types it
        }
        catch (Exception ended) when (ended is ObjectDisposedException or OperationCanceledException)
        {
            // The session is over.
        }
    }

    private static async Task ResizeAsync(ExecStreams streams, PseudoTerminal terminal, CancellationToken cancel)
    {
        try
        {
            await foreach (var (columns, rows) in streams.Sizes.Reader.ReadAllAsync(cancel)) terminal.Resize(columns, rows);
        }
        catch (Exception ended) when (ended is ObjectDisposedException or OperationCanceledException)
        {
            // The session is over.
        }
    }

    private static void Stop(Process process)
    {
        if (!process.HasExited) process.Kill();
    }

    private static IReadOnlyDictionary<string, string> WithTerm(IReadOnlyDictionary<string, string> environment) =>
        environment.ContainsKey("TERM") ? environment : new Dictionary<string, string>(environment) { ["TERM"] = "xterm" };

    private static JsonObject StatusOf(int code)
    {
        if (code == 0) return Success();
        var status = Failure($"command terminated with non-zero exit code: command terminated with exit code {code}");
        status["reason"] = "NonZeroExitCode";
        status["details"] = new JsonObject { ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ExitCode", ["message"] = code.ToString(CultureInfo.InvariantCulture) }) };
        return status;
    }

    private static JsonObject Failure(string message) => new()
    {
        ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Failure", ["message"] = message, ["reason"] = "InternalError", ["code"] = 500,
    };
}
