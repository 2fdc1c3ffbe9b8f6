using System.CommandLine;
using Lateen.Agent;
using Lateen.Agent.Capture;
using Lateen.Foundation.Cli;
using Lateen.Proxy;

// What runs beside an application, in one executable: each program by the name that it is called by, or by the first word.
var root = new RootCommand("The programs of a pod's sidecar") { ProxyCommand.Create(), PilotAgentCommand.Create(), IptablesCommand.Create() };
// The runtime puts the program's own path in the place of the name; the kernel still has it.
var name = Path.GetFileName(File.ReadAllText("/proc/self/cmdline").Split('\0')[0]);
return await CommandHost.RunAsync(root, root.Subcommands.Any(command => command.Name == name) ? [name, .. args] : args);
