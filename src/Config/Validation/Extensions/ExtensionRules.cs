using Istio.Extensions.V1Alpha1;
using Istio.Type.V1Beta1;

namespace Lateen.Config.Validation.Extensions;

/// <summary>WasmPlugin, TrafficExtension and the modules that they name.</summary>
internal static class ExtensionRules
{
    private const int MaximumLua = 65536;

    public static void ValidateWasmPlugin(Check check)
    {
        var plugin = check.Object.As<WasmPlugin>();
        var spec = FieldPath.Spec;
        Selectors.Validate(check, plugin.Selector, plugin.TargetRef, plugin.TargetRefs);
        Module(check, spec, plugin.Url, plugin.Sha256, plugin.ImagePullSecret, plugin.PluginName, plugin.VmConfig);
        for (var i = 0; i < plugin.Match.Count; i++) Ports(check, spec["match"][i]["ports"], plugin.Match[i].Ports);
    }

    public static void ValidateTrafficExtension(Check check)
    {
        var extension = check.Object.As<TrafficExtension>();
        var spec = FieldPath.Spec;
        if (extension.FilterConfigCase == TrafficExtension.FilterConfigOneofCase.None) check.Error(spec, "exactly one of wasm or lua must be set");
        Selectors.Validate(check, extension.Selector, null, extension.TargetRefs);
        if (extension.Lua is { } lua)
        {
            if (lua.InlineCode.Length == 0) check.Error(spec["lua"]["inlineCode"], "lua.inlineCode cannot be empty");
            if (lua.InlineCode.Length > MaximumLua) check.Error(spec["lua"]["inlineCode"], "lua.inlineCode exceeds maximum size of 64KB");
        }
        if (extension.Wasm is { } wasm) Module(check, spec["wasm"], wasm.Url, wasm.Sha256, wasm.ImagePullSecret, wasm.PluginName, wasm.VmConfig);
        for (var i = 0; i < extension.Match.Count; i++) Ports(check, spec["match"][i]["ports"], extension.Match[i].Ports);
    }

    private static void Module(Check check, FieldPath at, string url, string sha256, string secret, string name, VmConfig? vm)
    {
        check.Error(at["url"], CheckUrl(url));
        if (sha256.Length > 0 && sha256.Length != 64) check.Error(at["sha256"], "sha256 field must be 64 characters long");
        else if (!sha256.All(char.IsAsciiHexDigitLower)) check.Error(at["sha256"], "sha256 field must match [a-f0-9]{64} pattern");
        if (secret.Length > 253) check.Error(at["imagePullSecret"], "imagePullSecret field must be less than 253 characters long");
        if (name.Length > 256) check.Error(at["pluginName"], "pluginName field must be less than 255 characters long");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < (vm?.Env.Count ?? 0); i++)
        {
            var (variable, path) = (vm!.Env[i], at["vmConfig"]["env"][i]);
            if (variable.Name.Length == 0) check.Error(path["name"], "spec.vmConfig.env invalid");
            else if (variable.Name.Length > 256) check.Error(path["name"], "env.name field must be less than 255 characters long");
            else if (!seen.Add(variable.Name)) check.Error(path["name"], "duplicate env");
            if (variable.ValueFrom != EnvValueSource.Inline && variable.Value.Length > 0) check.Error(path["value"], "value may only be set when valueFrom is INLINE");
        }
    }

    private static string? CheckUrl(string url)
    {
        if (url.Length == 0) return "url field needs to be set";
        foreach (var c in url)
            if (c is < ' ' or '\u007f')
                return "failed to parse url: net/url: invalid control character in URL";
        var colon = url.IndexOf("://", StringComparison.Ordinal);
        if (colon > 0) return url[..colon] is "file" or "http" or "https" or "oci" ? null : $"url contains unsupported scheme: {url[..colon]}";
        // Without a scheme it is an image: a name with path and tag.
        return Uri.TryCreate("http://" + url.TrimStart('/'), UriKind.Absolute, out _) ? null : "failed to parse url: invalid URI for request";
    }

    private static void Ports(Check check, FieldPath at, IList<PortSelector> ports)
    {
        for (var i = 0; i < ports.Count; i++)
            if (ports[i].Number is 0 or > 65535)
                check.Error(at[i]["number"], $"{at[i]} is out of range: {ports[i].Number}");
    }
}
