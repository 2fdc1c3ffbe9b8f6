using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>The defaults of pod specs, alone or in templates (core/v1 defaults.go).</summary>
internal static class PodDefaults
{
    private const long FileMode = 420;

    /// <summary>Defaults of a PodTemplateSpec.</summary>
    public static void Template(JsonObject? template)
    {
        if (template?["spec"] is JsonObject spec) Spec(spec);
    }

    /// <summary>Defaults of a PodSpec.</summary>
    public static void Spec(JsonObject spec)
    {
        spec.SetDefault("restartPolicy", "Always");
        spec.SetDefault("terminationGracePeriodSeconds", 30L);
        spec.SetDefault("dnsPolicy", "ClusterFirst");
        spec.SetDefault("securityContext", new JsonObject());
        spec.SetDefault("schedulerName", "default-scheduler");
        // The older name of the field goes along with the newer one.
        if (spec.Text("serviceAccountName") is { } name) spec["serviceAccount"] = name;
        else if (spec.Text("serviceAccount") is { } account) spec["serviceAccountName"] = account;
        foreach (var volume in spec.Items("volumes")) Volume(volume);
        foreach (var container in spec.Items("initContainers").Concat(spec.Items("containers")))
        {
            Container(container);
            if (!spec.Flag("hostNetwork")) continue;
            foreach (var port in container.Items("ports"))
                if (port["containerPort"] is { } number) port.SetDefault("hostPort", number.DeepClone());
        }
    }

    private static void Container(JsonObject container)
    {
        container.SetDefault("resources", new JsonObject());
        container.SetDefault("terminationMessagePath", "/dev/termination-log");
        container.SetDefault("terminationMessagePolicy", "File");
        container.SetDefault("imagePullPolicy", IsLatest(container.Text("image") ?? "") ? "Always" : "IfNotPresent");
        foreach (var port in container.Items("ports")) port.SetDefault("protocol", "TCP");
        foreach (var variable in container.Items("env")) variable.Child("valueFrom", "fieldRef")?.SetDefault("apiVersion", "v1");
        foreach (var name in (string[])["livenessProbe", "readinessProbe", "startupProbe"])
        {
            if (container.Child(name) is not { } probe) continue;
            probe.SetDefault("timeoutSeconds", 1L);
            probe.SetDefault("periodSeconds", 10L);
            probe.SetDefault("successThreshold", 1L);
            probe.SetDefault("failureThreshold", 3L);
            HttpGet(probe.Child("httpGet"));
            probe.Child("grpc")?.SetDefault("service", "");
        }
        HttpGet(container.Child("lifecycle", "postStart", "httpGet"));
        HttpGet(container.Child("lifecycle", "preStop", "httpGet"));
        if (container.Child("resources", "limits") is not { } limits) return;
        var requests = container.Ensure("resources", "requests");
        foreach (var (name, amount) in limits) requests.SetDefault(name, amount!.DeepClone());
    }

    private static void HttpGet(JsonObject? action)
    {
        if (action is null) return;
        action.SetDefault("path", "/");
        action.SetDefault("scheme", "HTTP");
    }

    private static void Volume(JsonObject volume)
    {
        if (volume.Count <= 1) volume["emptyDir"] = new JsonObject();
        foreach (var name in (string[])["configMap", "secret", "projected", "downwardAPI"]) volume.Child(name)?.SetDefault("defaultMode", FileMode);
        volume.Child("hostPath")?.SetDefault("type", "");
        foreach (var item in volume.Items("downwardAPI", "items")) item.Child("fieldRef")?.SetDefault("apiVersion", "v1");
        foreach (var source in volume.Items("projected", "sources"))
        {
            source.Child("serviceAccountToken")?.SetDefault("expirationSeconds", 3600L);
            foreach (var item in source.Items("downwardAPI", "items")) item.Child("fieldRef")?.SetDefault("apiVersion", "v1");
        }
    }

    /// <summary>An image without a tag or digest, or tagged latest, is always pulled.</summary>
    private static bool IsLatest(string image)
    {
        if (image.Contains('@')) return false;
        var name = image[(image.LastIndexOf('/') + 1)..];
        var colon = name.IndexOf(':');
        return colon < 0 || name[(colon + 1)..] == "latest";
    }
}
