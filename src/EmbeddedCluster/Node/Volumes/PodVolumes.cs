using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Node.Pods;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Volumes;

/// <summary>The volumes of one pod, as folders below the pod's. Owned by one pod's worker.</summary>
/// <param name="podFolder">Absolute path.</param>
/// <param name="fields">The pod.</param>
/// <param name="objects">What volumes show.</param>
/// <param name="tokens">Makes tokens.</param>
/// <param name="hasUsers">Whether containers run as users of their own, so that files belong to a group.</param>
internal sealed class PodVolumes(string podFolder, PodFields fields, ClusterObjects objects, TokenSource tokens, bool hasUsers = true)
{
    private readonly ProjectedFiles _projected = new(fields, objects, tokens);

    /// <summary>Makes the volumes, or brings what they show up to date.</summary>
    /// <exception cref="VolumeException">One cannot be made yet.</exception>
    public async Task WriteAsync(CancellationToken cancel)
    {
        int? group = !hasUsers ? null : fields.Pod.Spec.ObjectOf("securityContext").NumberOf("fsGroup");
        foreach (var volume in fields.Pod.Spec.ItemsOf("volumes"))
        {
            var name = volume.TextOf("name");
            try
            {
                if (await _projected.GatherAsync(volume, cancel) is { } files) AtomicFolder.Write(FolderOf(name), files, group);
                else if (volume["emptyDir"] is not null) MakeEmpty(FolderOf(name), group);
                else if (volume["hostPath"] is JsonObject host) CheckHostPath(host);
                else throw new VolumeException("this node has emptyDir, configMap, secret, downwardAPI, projected and hostPath volumes only");
            }
            catch (VolumeException problem)
            {
                throw new VolumeException($"MountVolume.SetUp failed for volume \"{name}\" : {problem.Message}");
            }
            catch (Kubernetes.Client.KubeException problem)
            {
                throw new VolumeException($"MountVolume.SetUp failed for volume \"{name}\" : {problem.Message}");
            }
        }
    }

    /// <summary>Where a container sees the volumes.</summary>
    /// <exception cref="ContainerConfigException">It mounts a volume that the pod has not, or a path that leaves its volume.</exception>
    public IReadOnlyList<ContainerMount> MountsOf(ContainerDefinition container, IReadOnlyDictionary<string, string> variables)
    {
        var mounts = new List<ContainerMount>();
        foreach (var mount in container.Json.ItemsOf("volumeMounts"))
        {
            var name = mount.TextOf("name");
            var volume = fields.Pod.Spec.ItemsOf("volumes").FirstOrDefault(other => other.TextOf("name") == name)
                ?? throw new ContainerConfigException($"container mounts volume \"{name}\", which the pod does not have");
            var source = volume["hostPath"] is JsonObject host ? host.TextOf("path") : FolderOf(name);
            var part = mount.TextOf("subPathExpr") is { Length: > 0 } expression ? VariableExpansion.Expand(expression, variables) : mount.TextOf("subPath");
            if (part.Length > 0) source = Part(source, part, volume);
            mounts.Add(new ContainerMount(source, mount.TextOf("mountPath"), mount.FlagOf("readOnly")));
        }
        return mounts;
    }

    private string FolderOf(string volume) => $"{podFolder}/volumes/{volume}";

    private static void MakeEmpty(string folder, int? group)
    {
        if (Directory.Exists(folder)) return;
        Directory.CreateDirectory(folder);
        // Everyone may write, as in kubelet's: 0777, and with a group the set-group-id bit.
        File.SetUnixFileMode(folder, (UnixFileMode)(0x1FF | (group is null ? 0 : 0x400)));
        if (group is { } id) FileOwners.Change(folder, -1, id);
    }

    private static void CheckHostPath(JsonObject host)
    {
        var path = host.TextOf("path");
        // The machine is left as it is: a path that the pod wants made (DirectoryOrCreate) has to be there already.
        if (!Path.Exists(path)) throw new VolumeException($"hostPath type check failed: {path} does not exist on this machine");
    }

    private static string Part(string source, string part, JsonObject volume)
    {
        if (part.StartsWith('/') || part.Split('/').Contains("..")) throw new ContainerConfigException($"subPath \"{part}\" leaves its volume");
        var path = $"{source}/{part}";
        if (!Path.Exists(path))
        {
            if (volume["emptyDir"] is null) throw new ContainerConfigException($"subPath \"{part}\" does not exist");
            Directory.CreateDirectory(path);
        }
        // A single file stays the one that it was when the container started; kubelet does the same.
        return new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
    }
}
