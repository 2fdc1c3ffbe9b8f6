using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Node.Images;
using Lateen.EmbeddedCluster.Node.Volumes;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>Works out how a container is to be started. Owned by one pod's worker.</summary>
internal sealed class ContainerPlanner(NodeParts node, PodFields fields, PodVolumes volumes, string networkNamespacePath)
{
    /// <summary>The plan for an attempt.</summary>
    /// <exception cref="ContainerConfigException">The specification refers to something that is not there.</exception>
    public ContainerPlan Plan(ContainerDefinition container, ImageConfig image, ContainerFolder folder)
    {
        var pod = fields.Pod;
        var variables = ContainerEnvironment.Build(container, fields, node.Objects, Given(image));
        var podSecurity = pod.Spec.ObjectOf("securityContext");
        var user = container.Security.NumberOf("runAsUser") ?? podSecurity.NumberOf("runAsUser") ?? image.User;
        var groups = podSecurity["supplementalGroups"] is JsonArray list ? list.Select(group => (int)group!).ToList() : [];
        if (podSecurity.NumberOf("fsGroup") is { } fsGroup) groups.Add(fsGroup);
        var plan = new ContainerPlan
        {
            Folder = folder.Path,
            NetworkNamespacePath = networkNamespacePath,
            HostName = pod.UsesNodeNetwork ? node.Options.Name : pod.HostName,
            Command = CommandOf(container, image, variables),
            Environment = variables,
            WorkingDir = container.Json.TextOf("workingDir") is { Length: > 0 } given ? given : image.WorkingDir,
            User = user,
            Group = container.Security.NumberOf("runAsGroup") ?? podSecurity.NumberOf("runAsGroup") ?? 0,
            SupplementalGroups = groups,
            Mounts = volumes.MountsOf(container, variables),
            Files = Files(pod),
            Links = image.Links,
            KeepsStandardInput = container.Json.FlagOf("stdin"),
        };
        return plan.HasNamespaces ? plan : VisiblePaths.Resolve(WithLinks(plan));
    }

    /// <summary>The image's variables, and what else a container is told that shares the machine's network.</summary>
    private IReadOnlyDictionary<string, string> Given(ImageConfig image)
    {
        if (!node.Options.Network.IsShared) return image.Env;
        return new Dictionary<string, string>(image.Env)
        {
            [NodeServer.MeshVariable] = node.Options.Network.Prefix,
            [PlainLauncher.PodVariable] = fields.Pod.Uid,
            ["APP_ADDRESS"] = node.Network.ApplicationAddressOf(fields.PodAddress),
        };
    }

    private static ContainerPlan WithLinks(ContainerPlan plan) => plan with
    {
        Environment = new Dictionary<string, string>(plan.Environment) { ["PATH"] = $"{PlainLauncher.LinkFolder(plan.Folder)}:{plan.Environment["PATH"]}" },
    };

    // command replaces the image's entry point and its arguments, args the arguments alone.
    private static IReadOnlyList<string> CommandOf(ContainerDefinition container, ImageConfig image, IReadOnlyDictionary<string, string> variables)
    {
        var command = container.Json.TextsOf("command").Select(word => VariableExpansion.Expand(word, variables)).ToArray();
        var args = container.Json.TextsOf("args").Select(word => VariableExpansion.Expand(word, variables)).ToArray();
        if (command.Length > 0) return [.. command, .. args];
        return [.. image.Command, .. args.Length > 0 ? args : image.Args];
    }

    private Dictionary<string, string> Files(PodDefinition pod)
    {
        var files = new Dictionary<string, string>
        {
            ["/etc/resolv.conf"] = ResolvConf(pod),
            ["/etc/nsswitch.conf"] = NameServiceSwitch(),
        };
        if (pod.UsesNodeNetwork) return files;
        files["/etc/hostname"] = pod.HostName + "\n";
        files["/etc/hosts"] = Hosts(pod);
        return files;
    }

    private string Hosts(PodDefinition pod)
    {
        var names = pod.HostName;
        if (pod.Spec.TextOf("subdomain") is { Length: > 0 } subdomain) names = $"{pod.HostName}.{subdomain}.{pod.Namespace}.svc.{node.Options.ClusterDomain}\t{names}";
        var text = new StringBuilder($"# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n{fields.PodAddress}\t{names}\n");
        foreach (var alias in pod.Spec.ItemsOf("hostAliases")) text.Append(CultureInfo.InvariantCulture, $"{alias.TextOf("ip")}\t{string.Join('\t', alias.TextsOf("hostnames"))}\n");
        return text.ToString();
    }

    private string ResolvConf(PodDefinition pod)
    {
        var domain = node.Options.ClusterDomain;
        var policy = pod.Spec.TextOf("dnsPolicy");
        var usesCluster = policy is "" or "ClusterFirst" && !pod.UsesNodeNetwork || policy == "ClusterFirstWithHostNet";
        if (!usesCluster && policy != "None") return File.Exists("/etc/resolv.conf") ? File.ReadAllText("/etc/resolv.conf") : "";
        var config = pod.Spec.ObjectOf("dnsConfig");
        string[] servers = [.. usesCluster ? [node.Options.Network.DnsAddress.ToString()] : Array.Empty<string>(), .. config.TextsOf("nameservers")];
        string[] searches = [.. usesCluster ? [$"{pod.Namespace}.svc.{domain}", $"svc.{domain}", domain] : Array.Empty<string>(), .. config.TextsOf("searches")];
        // differs: kubelet writes ndots alone. A query lost while the runtime restarts is asked again after 1 s, not 5.
        var options = new Dictionary<string, string>();
        if (usesCluster) (options["ndots"], options["timeout"], options["attempts"]) = ("5", "1", "5");
        foreach (var option in config.ItemsOf("options")) options[option.TextOf("name")] = option.TextOf("value");
        var text = new StringBuilder();
        foreach (var server in servers) text.Append(CultureInfo.InvariantCulture, $"nameserver {server}\n");
        if (searches.Length > 0) text.Append(CultureInfo.InvariantCulture, $"search {string.Join(' ', searches)}\n");
        if (options.Count > 0) text.Append(CultureInfo.InvariantCulture, $"options {string.Join(' ', options.Select(option => option.Value.Length > 0 ? $"{option.Key}:{option.Value}" : option.Key))}\n");
        return text.ToString();
    }

    // The machine's may ask resolvers over Unix sockets (systemd, mDNS, LDAP), which would answer for the machine and not for the pod.
    private static string NameServiceSwitch()
    {
        var lines = File.Exists("/etc/nsswitch.conf") ? File.ReadAllLines("/etc/nsswitch.conf") : ["passwd: files", "group: files"];
        return string.Join('\n', lines.Where(line => !line.TrimStart().StartsWith("hosts:", StringComparison.Ordinal)).Append("hosts: files dns")) + "\n";
    }
}
