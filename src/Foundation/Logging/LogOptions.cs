using System.CommandLine;
using Lateen.Foundation.Cli;
using Microsoft.Extensions.Logging;

namespace Lateen.Foundation.Logging;

/// <summary>
/// Istio's logging flags (inventory COM-1): where log lines go, in which form, and from which level on for each scope.
/// </summary>
public sealed class LogOptions
{
    private readonly Option<bool> _asJson = new("--log_as_json") { Description = "Write log lines as JSON" };
    private readonly Option<string> _outputLevel = new("--log_output_level")
    {
        Description = "Levels as scope:level,... with none, fatal, error, warn, info or debug",
        DefaultValueFactory = _ => "default:info",
    };
    private readonly Option<string[]> _target = new("--log_target")
    {
        Description = "stdout, stderr or a file; may be given more than once",
        DefaultValueFactory = _ => ["stdout"],
    };
    private readonly Option<string?> _rotate = new("--log_rotate") { Description = "A file that is rotated by size" };
    private readonly Option<int> _rotateMaxSize = new("--log_rotate_max_size")
    {
        Description = "Bytes after which the file is rotated", DefaultValueFactory = _ => 104857600,
    };
    private readonly Option<int> _rotateMaxBackups = new("--log_rotate_max_backups")
    {
        Description = "How many rotated files are kept", DefaultValueFactory = _ => 1000,
    };
    private readonly Option<int> _rotateMaxAge = new("--log_rotate_max_age")
    {
        Description = "Days for which rotated files are kept", DefaultValueFactory = _ => 30,
    };
    private readonly Option<string> _caller = new("--log_caller") { Description = "Accepted for compatibility", DefaultValueFactory = _ => "" };
    private readonly Option<string> _stackTraceLevel = new("--log_stacktrace_level")
    {
        Description = "Levels from which a stack trace is written", DefaultValueFactory = _ => "default:none",
    };

    /// <summary>Lines as JSON objects rather than tab-separated text.</summary>
    public bool AsJson { get; set; }

    /// <summary>stdout, stderr or file paths.</summary>
    public IReadOnlyList<string> Targets { get; set; } = ["stdout"];

    /// <summary>File that is rotated, or null.</summary>
    public string? RotatePath { get; set; }

    /// <summary>Bytes at which <see cref="RotatePath"/> is rotated.</summary>
    public int RotateMaxSize { get; set; } = 104857600;

    /// <summary>Rotated files that are kept.</summary>
    public int RotateMaxBackups { get; set; } = 1000;

    /// <summary>Days for which rotated files are kept.</summary>
    public int RotateMaxAgeDays { get; set; } = 30;

    /// <summary>The lowest level that is written, by scope; "default" is for scopes that are not named.</summary>
    public LogLevels OutputLevels { get; set; } = LogLevels.Default;

    /// <summary>Declares the flags on a command and on its sub-commands.</summary>
    public LogOptions AddTo(Command command)
    {
        foreach (Option option in new Option[]
                 {
                     _asJson, _outputLevel, _target, _rotate, _rotateMaxSize, _rotateMaxBackups, _rotateMaxAge, _caller, _stackTraceLevel,
                 })
        {
            option.Recursive = true;
            command.Options.Add(option);
        }
        return this;
    }

    /// <summary>Takes the values that the command line gave.</summary>
    /// <exception cref="CommandFailedException">A level is not one of the known words (exit code 64).</exception>
    public LogOptions Bind(ParseResult parsed)
    {
        AsJson = parsed.GetValue(_asJson);
        Targets = parsed.GetValue(_target) is { Length: > 0 } targets ? targets : ["stdout"];
        RotatePath = parsed.GetValue(_rotate) is { Length: > 0 } path ? path : null;
        RotateMaxSize = parsed.GetValue(_rotateMaxSize);
        RotateMaxBackups = parsed.GetValue(_rotateMaxBackups);
        RotateMaxAgeDays = parsed.GetValue(_rotateMaxAge);
        OutputLevels = LogLevels.TryParse(parsed.GetValue(_outputLevel) ?? "", out var levels, out var problem)
            ? levels
            : throw new CommandFailedException(CommandHost.BadUsage, $"--log_output_level: {problem}");
        return this;
    }

    /// <summary>Shorthand for <see cref="LogScopes.CreateFactory"/>.</summary>
    public ILoggerFactory CreateFactory() => LogScopes.CreateFactory(this);
}
