using System.CommandLine;
using Lateen.Foundation.Cli;

return await CommandHost.RunAsync(
    new RootCommand("Istio's command line for Lateen") { ValidateCommand.Create(), ProxyConfigCommand.Create(), VersionCommand.Create(), CreateExperimental() }, args);

static Command CreateExperimental()
{
    var command = new Command("experimental", "Commands that may change") { XdsDumpCommand.Create() };
    command.Aliases.Add("x");
    return command;
}
