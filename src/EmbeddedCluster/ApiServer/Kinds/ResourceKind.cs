using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Schemas;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>A kind of object as it is stored, whatever versions it is served in. Immutable.</summary>
internal sealed record ResourceKind
{
    public required string Group { get; init; }
    public required string Plural { get; init; }
    public required string Kind { get; init; }
    public required bool Namespaced { get; init; }

    /// <summary>Version in which objects are stored.</summary>
    public required string StorageVersion { get; init; }

    public required KindRules Rules { get; init; }

    /// <summary>metadata.generation counts changes of everything but metadata and status.</summary>
    public bool TracksGeneration { get; init; }

    /// <summary>Status is written by its own subresource only.</summary>
    public bool HasStatus { get; init; }

    /// <summary>Defined by a CustomResourceDefinition.</summary>
    public bool IsCustom { get; init; }

    /// <summary>Name of the kind in the store.</summary>
    public string StorageName => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    public string StorageApiVersion => Group.Length == 0 ? StorageVersion : $"{Group}/{StorageVersion}";
}

/// <summary>Where the scale subresource finds its numbers; dotted paths without a leading dot.</summary>
internal sealed record ScalePaths(string SpecReplicas, string StatusReplicas, string? Selector);

/// <summary>A printer column of a custom resource.</summary>
internal sealed record PrinterColumn(string Name, string Type, string Format, string Description, int Priority, string JsonPath);

/// <summary>A subresource other than status and scale, with the kind that it speaks.</summary>
internal sealed record SubresourceEntry(string Name, string Kind, string Group, string Version, string[] Verbs);

/// <summary>A kind as one version of one group serves it. Immutable.</summary>
internal sealed record ServedResource
{
    public static readonly string[] AllVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    public required ResourceKind Kind { get; init; }
    public required string Group { get; init; }
    public required string Version { get; init; }
    public required TypeSchema Schema { get; init; }
    public string Plural => Kind.Plural;
    public string Singular { get; init; } = "";
    public string ListKind { get; init; } = "";
    public string[] ShortNames { get; init; } = [];
    public string[] Categories { get; init; } = [];
    public string[] Verbs { get; init; } = AllVerbs;
    public SubresourceEntry[] Subresources { get; init; } = [];
    public ScalePaths? Scale { get; init; }

    /// <summary>Columns of a custom resource; null where the printers know the kind.</summary>
    public PrinterColumn[]? Columns { get; init; }

    /// <summary>Extra fields that a field selector may name.</summary>
    public string[] SelectableFields { get; init; } = [];

    /// <summary>Turns a stored object into this version, in place; null when only apiVersion differs.</summary>
    public Action<JsonObject>? FromStorage { get; init; }

    /// <summary>Turns an object of this version into the stored one, in place.</summary>
    public Action<JsonObject>? ToStorage { get; init; }

    /// <summary>Changes with the schema of a custom kind; empty for a built-in one.</summary>
    public string SchemaRevision { get; init; } = "";

    /// <summary>Sent as a warning with each use.</summary>
    public string? Deprecation { get; init; }

    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>Stored objects can be served as they are.</summary>
    public bool IsStorageVersion => FromStorage is null && Group == Kind.Group && Version == Kind.StorageVersion;
}
