namespace Lateen.Foundation.Cli;

/// <summary>
/// Ends a command with exit code 1 and its message on standard error, without a stack trace: the work failed or the input
/// was refused, and the message says which file, object and field.
/// </summary>
public sealed class CommandFailedException : Exception
{
    /// <summary>Exit code 1.</summary>
    public CommandFailedException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>Another exit code, for commands whose contract names one.</summary>
    public CommandFailedException(int exitCode, string message)
        : base(message) => ExitCode = exitCode;

    /// <summary>What the process exits with.</summary>
    public int ExitCode { get; } = CommandHost.Failed;
}
