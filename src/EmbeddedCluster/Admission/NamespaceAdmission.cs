using Lateen.EmbeddedCluster.ApiServer;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Admission;

/// <summary>Objects are made only in namespaces that exist and are not going away; the cluster's own namespaces stay.</summary>
internal sealed class NamespaceAdmission(ObjectStore store) : IAdmission
{
    private static readonly string[] Permanent = ["default", "kube-system", "kube-public"];

    public Task MutateAsync(AdmissionCall call)
    {
        if (call.Operation != "CREATE" || call.Namespace.Length == 0) return Task.CompletedTask;
        var resource = call.Resource;
        var found = store.GetLatest(new ObjectKey("namespaces", "", call.Namespace)) ?? throw ApiException.NotFound("", "namespaces", call.Namespace);
        if (found.Root.Text("metadata", "deletionTimestamp") is null) return Task.CompletedTask;
        throw ApiException.Forbidden(resource.Group, resource.Plural, call.Name, $"unable to create new content in namespace {call.Namespace} because it is being terminated",
            ApiException.Cause("NamespaceTerminating", $"namespace {call.Namespace} is being terminated", "metadata.namespace"));
    }

    public Task ValidateAsync(AdmissionCall call)
    {
        if (call.Operation == "DELETE" && call.Resource.Kind.StorageName == "namespaces" && Permanent.Contains(call.Name))
            throw ApiException.Forbidden("", "namespaces", call.Name, "this namespace may not be deleted");
        return Task.CompletedTask;
    }
}
