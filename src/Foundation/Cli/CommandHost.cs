using System.CommandLine;
using System.CommandLine.Parsing;

namespace Lateen.Foundation.Cli;

/// <summary>Runs a command line and maps every outcome on the exit codes of the command contract.</summary>
public static class CommandHost
{
    /// <summary>The work was done.</summary>
    public const int Done = 0;

    /// <summary>The input was judged and refused, or the work failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line itself was wrong (EX_USAGE of sysexits.h).</summary>
    public const int BadUsage = 64;

    /// <summary>
    /// Parses and runs. Errors go to standard error; a stack trace only when a log level flag in the arguments asks for
    /// debug.
    /// </summary>
    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors) await Console.Error.WriteLineAsync($"Error: {error.Message}");
            await Console.Error.WriteLineAsync($"Run '{PathOf(parsed.CommandResult)} --help' for usage.");
            return BadUsage;
        }
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (CommandFailedException failure)
        {
            await Console.Error.WriteLineAsync($"Error: {failure.Message}");
            return failure.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return Done;
        }
        catch (Exception unexpected) when (!args.Any(argument => argument.Contains("debug", StringComparison.Ordinal)))
        {
            await Console.Error.WriteLineAsync($"Error: {unexpected.Message}");
            return Failed;
        }
    }

    private static string PathOf(SymbolResult? result)
    {
        var names = new List<string>();
        for (; result is CommandResult command; result = result.Parent) names.Insert(0, command.Command.Name);
        return string.Join(' ', names);
    }
}
