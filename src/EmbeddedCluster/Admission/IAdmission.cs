using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Requests;

namespace Lateen.EmbeddedCluster.Admission;

/// <summary>A write that is to be admitted. Owned by one request.</summary>
internal sealed class AdmissionCall(string operation, ServedResource resource, string subresource, string namespaceName, RequestScope scope)
{
    /// <summary>CREATE, UPDATE, DELETE or CONNECT.</summary>
    public string Operation { get; } = operation;

    public ServedResource Resource { get; } = resource;

    public string Subresource { get; } = subresource;

    public string Namespace { get; } = namespaceName;

    public RequestScope Scope { get; } = scope;

    /// <summary>Name of the object; empty when it is still to be generated.</summary>
    public string Name { get; set; } = "";

    /// <summary>The new object in the stored version, null for a deletion; mutating admission may replace it.</summary>
    public JsonObject? Value { get; set; }

    /// <summary>The object before, null for a creation.</summary>
    public JsonObject? Old { get; init; }

    /// <summary>CreateOptions, UpdateOptions or DeleteOptions.</summary>
    public JsonObject? Options { get; init; }
}

/// <summary>One step that may change or refuse a write by throwing an ApiException. Any thread.</summary>
internal interface IAdmission
{
    /// <summary>May change the object.</summary>
    Task MutateAsync(AdmissionCall call) => Task.CompletedTask;

    /// <summary>Looks at the object as it will be stored.</summary>
    Task ValidateAsync(AdmissionCall call) => Task.CompletedTask;
}
