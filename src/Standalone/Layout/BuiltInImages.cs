using System.Text.Json.Nodes;
using Lateen.Foundation.Yaml;

namespace Lateen.Standalone.Layout;

/// <summary>The image map that every mesh has: Istio's images and those of its samples, as programs of this machine.</summary>
internal static class BuiltInImages
{
    public static string ToYaml()
    {
        var images = new JsonObject();
        void Add(string image, params string[] command) => images[image] = Entry(command);
        var sidecar = Programs.Find("sidecar");
        Add("*/proxyv2:*", sidecar, "pilot-agent");
        // istioctl calls it by its name in the image.
        images["*/proxyv2:*"]!["links"] = new JsonObject { ["/usr/local/bin/pilot-agent"] = sidecar };
        Add("*/proxy_init:*", sidecar, "istio-iptables");
        var bookinfo = Programs.Find("bookinfo");
        foreach (var (role, versions) in new[] { ("productpage", "v1"), ("details", "v1"), ("ratings", "v1"), ("reviews", "v1 v2 v3") })
            foreach (var version in versions.Split(' '))
                Add($"*/examples-bookinfo-{role}-{version}:*", bookinfo, role, "9080", "--version", version);
        var httpbin = Programs.Find("httpbin");
        Add("*/kennethreitz/httpbin:*", httpbin, "80");
        Add("*/citizenstig/httpbin:*", httpbin, "8000");
        Add("*/mccutchen/go-httpbin:*", httpbin, "8080", "--style", "go");
        foreach (var curl in new[] { "*/curlimages/curl:*", "*/pstauffer/curl:*", "*/governmentpaas/curl-ssl:*" }) Add(curl, "/usr/bin/curl");
        return YamlWriter.ToYaml(new JsonObject { ["images"] = images });
    }

    private static JsonObject Entry(string[] command)
    {
        var environment = new JsonObject();
        foreach (var (name, value) in Programs.Environment) environment[name] = value;
        return new JsonObject { ["command"] = new JsonArray([.. command.Select(word => (JsonNode)word)]), ["env"] = environment };
    }
}
