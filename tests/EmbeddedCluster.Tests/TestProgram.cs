using System.CommandLine;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.Foundation.Cli;

namespace Lateen.EmbeddedCluster.Tests;

/// <summary>Runs the tests; as "cluster-apiserver …" it is the API server itself, so that tests have a process of it to kill.</summary>
public static class TestProgram
{
    /// <summary>The entry point.</summary>
    public static async Task<int> Main(string[] args)
    {
        if (args is ["cluster-apiserver", ..]) return await CommandHost.RunAsync(new RootCommand { ApiServerCommand.Create() }, args);
        if (args.Any(argument => argument is "--server" or "--internal-msbuild-node"))
            return await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
        return await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
    }
}
