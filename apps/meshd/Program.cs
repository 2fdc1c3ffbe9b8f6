using System.CommandLine;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.EmbeddedCluster.Node;
using Lateen.Foundation.Cli;
using Lateen.Galley;
using Lateen.Pilot;
using Lateen.Standalone;

// The control plane and the standalone mesh in one executable: each program by the name that it is called by, or by the first word.
var root = new RootCommand("The control plane of the mesh, and the whole mesh on one machine")
{
    StandaloneCommands.CreateUp(), StandaloneCommands.CreateDown(), StandaloneCommands.CreateStatus(), StandaloneCommands.CreateSupervisor(), StandaloneCommands.CreateRelay(),
    ApiServerCommand.Create(), NodeCommand.Create(), PilotDiscoveryCommand.Create(), GalleyCommand.Create(), SidecarInjectorCommand.Create(),
};
var name = Path.GetFileName(Environment.GetCommandLineArgs()[0]);
return await CommandHost.RunAsync(root, root.Subcommands.Any(command => command.Name == name) ? [name, .. args] : args);
