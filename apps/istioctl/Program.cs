using System.CommandLine;
using Lateen.Foundation.Cli;

return await CommandHost.RunAsync(
    new RootCommand("Istio's command line for Lateen") { ValidateCommand.Create(), ProxyConfigCommand.Create(), VersionCommand.Create() }, args);
