using Lateen.Config.Kinds;

namespace Lateen.Config.Reading;

/// <summary>
/// A ProxyConfig resource has few of the fields that <c>defaultConfig</c> of the mesh configuration, of the same name, has.
/// </summary>
/// <remarks>
/// differs: such a field is a warning here. Istio 1.1 let the whole resource pass unread and today's refuses it; the
/// warning keeps the rest of the resource and tells where the field belongs.
/// </remarks>
internal static class MisplacedMeshField
{
    public static bool Is(ConfigKind kind, string path)
    {
        const string Prefix = "spec.";
        if (kind != ConfigKinds.ProxyConfig || !path.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        var name = path[Prefix.Length..];
        return Istio.Mesh.V1Alpha1.ProxyConfig.Descriptor.Fields.InDeclarationOrder().Any(field => field.JsonName == name || field.Name == name);
    }
}
