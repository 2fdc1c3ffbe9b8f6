using System.CommandLine;
using Lateen.Foundation.Cli;
using Lateen.Proxy;

var root = new RootCommand("The programs of a pod's sidecar");
root.Subcommands.Add(ProxyCommand.Create());
return await CommandHost.RunAsync(root, Path.GetFileName(Environment.GetCommandLineArgs()[0]) == "proxy" ? ["proxy", .. args] : args);
