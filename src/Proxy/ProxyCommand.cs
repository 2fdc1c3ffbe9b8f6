using System.CommandLine;
using System.Runtime.InteropServices;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Logging;
using Lateen.Proxy.AccessLogs;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy;

/// <summary>The command line of the proxy: Envoy's own flags, as pilot-agent and scripts use them.</summary>
public static class ProxyCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var configPath = new Option<string?>("--config-path", "-c") { Description = "Bootstrap file, YAML or JSON" };
        var configYaml = new Option<string?>("--config-yaml") { Description = "Bootstrap text, used when no file is given" };
        var mode = new Option<string>("--mode") { Description = "serve or validate", DefaultValueFactory = _ => "serve" };
        var concurrency = new Option<int>("--concurrency") { Description = "Number of workers; 0 for one for each processor" };
        var drainTime = new Option<int>("--drain-time-s") { Description = "Seconds for which connections of removed listeners may go on", DefaultValueFactory = _ => 600 };
        var parentShutdown = new Option<int>("--parent-shutdown-time-s") { Description = "Accepted for compatibility", DefaultValueFactory = _ => 900 };
        var epoch = new Option<int>("--restart-epoch") { Description = "Number of this start, shown by the admin pages" };
        var baseId = new Option<int>("--base-id") { Description = "Accepted for compatibility: nothing is shared between proxies of one machine" };
        var level = new Option<string>("--log-level", "-l") { Description = "trace, debug, info, warning, error, critical or off", DefaultValueFactory = _ => "info" };
        var componentLevel = new Option<string?>("--component-log-level") { Description = "Levels as name:level,..." };
        var node = new Option<string>("--service-node") { Description = "Overrides node.id", DefaultValueFactory = _ => "" };
        var cluster = new Option<string>("--service-cluster") { Description = "Overrides node.cluster", DefaultValueFactory = _ => "" };
        var ignored = new Option[]
        {
            new Option<string?>("--local-address-ip-version") { Hidden = true }, new Option<string?>("--log-format") { Hidden = true },
            new Option<string?>("--drain-strategy") { Hidden = true }, new Option<bool>("--allow-unknown-static-fields") { Hidden = true },
            new Option<bool>("--disable-hot-restart") { Hidden = true }, new Option<int>("--file-flush-interval-msec") { Hidden = true },
            new Option<bool>("--use-dynamic-base-id") { Hidden = true }, new Option<string?>("--log-path") { Hidden = true },
        };
        var command = new Command("proxy", "The data plane: serves what an Envoy v3 bootstrap and its control plane say")
        {
            configPath, configYaml, mode, concurrency, drainTime, parentShutdown, epoch, baseId, level, componentLevel, node, cluster,
        };
        foreach (var option in ignored) command.Options.Add(option);
        command.SetAction(async (parsed, cancel) =>
        {
            var file = parsed.GetValue(configPath);
            var text = file is not null ? await ReadAsync(file, cancel) : parsed.GetValue(configYaml) ?? throw new CommandFailedException(CommandHost.BadUsage, "give -c FILE or --config-yaml TEXT");
            var options = new ProxyOptions
            {
                Bootstrap = text,
                BootstrapFile = file ?? "--config-yaml",
                Concurrency = parsed.GetValue(concurrency),
                DrainTime = TimeSpan.FromSeconds(parsed.GetValue(drainTime)),
                NodeId = parsed.GetValue(node)!,
                NodeCluster = parsed.GetValue(cluster)!,
                RestartEpoch = parsed.GetValue(epoch),
                Levels = Levels(parsed.GetValue(level)!, parsed.GetValue(componentLevel)),
            };
            using var logs = new LogOptions { Targets = ["stderr"], OutputLevels = options.Levels }.CreateFactory();
            if (parsed.GetValue(mode) == "validate")
            {
                Guard(() => ProxyServer.Validate(options, logs));
                Console.WriteLine($"configuration '{options.BootstrapFile}' OK");
                return CommandHost.Done;
            }
            return await ServeAsync(options, logs);
        });
        return command;
    }

    private static async Task<int> ServeAsync(ProxyOptions options, ILoggerFactory logs)
    {
        using var signals = new ProcessSignals();
        using var reopen = PosixSignalRegistration.Create((PosixSignal)10, context =>
        {
            context.Cancel = true;
            LogFileSink.ReopenAll();
        });
        var log = logs.CreateLogger("default");
        ProxyServer? server = null;
        Guard(() => server = ProxyServer.Start(options, logs));
        await using (server)
        {
            log.LogInformation("the proxy serves with {Workers} workers", options.Concurrency > 0 ? options.Concurrency : Environment.ProcessorCount);
            await Task.WhenAny(server!.Quit, Task.Delay(Timeout.Infinite, signals.Stopping));
        }
        return CommandHost.Done;
    }

    private static void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is not CommandFailedException)
        {
            throw new CommandFailedException(e.Message, e);
        }
    }

    private static async Task<string> ReadAsync(string file, CancellationToken cancel)
    {
        try
        {
            return await File.ReadAllTextAsync(file, cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"{file}: {e.Message}", e);
        }
    }

    private static LogLevels Levels(string level, string? components)
    {
        var levels = LogLevels.Default;
        levels["default"] = Parse(level);
        foreach (var part in (components ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
            if (part.Split(':') is [var name, var word])
                levels[name == "misc" ? "dns" : name] = Parse(word);
        return levels;
    }

    private static LogLevel Parse(string word) => word switch
    {
        "trace" or "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warning" or "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "critical" => LogLevel.Critical,
        "off" => LogLevel.None,
        _ => throw new CommandFailedException(CommandHost.BadUsage, $"'{word}' is not a log level"),
    };
}
