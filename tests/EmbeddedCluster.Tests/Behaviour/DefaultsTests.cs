using System.Text.Json.Nodes;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>What the server makes of short objects, and what it refuses: pods, workloads, services.</summary>
public abstract class DefaultsTests(ClusterUnderTest cluster) : BehaviourTests(cluster)
{
    [Fact]
    public async Task APodTemplateGetsItsDefaults()
    {
        var made = Expect(201, await Api.PostAsync(Apps("deployments"), Deployment("d")));
        Assert.Equal(Canonical("""
            {"progressDeadlineSeconds":600,"replicas":1,"revisionHistoryLimit":10,"selector":{"matchLabels":{"app":"d"}},
             "strategy":{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"},"type":"RollingUpdate"},
             "template":{"metadata":{"labels":{"app":"d"}},"spec":{"containers":[{"env":[{"name":"A","value":"a"}],"image":"example.test/app:1","imagePullPolicy":"IfNotPresent","name":"main",
               "ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],
               "dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}}
            """), Canonical(made.Body["spec"]!.ToJsonString()));
    }

    [Fact]
    public async Task ProbesVolumesAndLatestImagesGetTheirDefaults()
    {
        var deployment = Deployment("d");
        var spec = (JsonObject)At(deployment, "spec", "template", "spec")!;
        spec["volumes"] = JsonNode.Parse("""[{"name":"a"},{"name":"b","configMap":{"name":"x"}},{"name":"c","hostPath":{"path":"/"}},{"name":"d","projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}}]""");
        spec["containers"]![0]!["image"] = "example.test:5000/app";
        spec["containers"]![0]!["readinessProbe"] = JsonNode.Parse("""{"httpGet":{"port":"web"}}""");
        spec["containers"]![0]!["resources"] = JsonNode.Parse("""{"limits":{"cpu":1}}""");
        var made = At(Expect(201, await Api.PostAsync(Apps("deployments"), deployment)).Body, "spec", "template", "spec")!;
        Assert.Equal(Canonical("""{"failureThreshold":3,"httpGet":{"path":"/","port":"web","scheme":"HTTP"},"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1}"""),
            Canonical(At(made, "containers", 0, "readinessProbe")!.ToJsonString()));
        Assert.Equal("Always", (string?)At(made, "containers", 0, "imagePullPolicy"));
        Assert.Equal(Canonical("""
            [{"emptyDir":{},"name":"a"},{"configMap":{"defaultMode":420,"name":"x"},"name":"b"},{"hostPath":{"path":"/","type":""},"name":"c"},
             {"name":"d","projected":{"defaultMode":420,"sources":[{"serviceAccountToken":{"expirationSeconds":3600,"path":"t"}}]}}]
            """), Canonical(made["volumes"]!.ToJsonString()));
        Assert.Equal("1", (string?)At(made, "containers", 0, "resources", "limits", "cpu"));
    }

    [Fact]
    public async Task AServiceGetsAnAddressAndKeepsIt()
    {
        var made = Expect(201, await Api.PostAsync(Core("services"), Json("""{"metadata":{"name":"s"},"spec":{"selector":{"app":"a"},"ports":[{"port":80}]}}"""))).Body;
        var spec = (JsonObject)made["spec"]!;
        var address = (string)spec["clusterIP"]!;
        Assert.StartsWith("10.96.", address, StringComparison.Ordinal);
        spec.Remove("clusterIP");
        spec.Remove("clusterIPs");
        Assert.Equal(Canonical("""
            {"internalTrafficPolicy":"Cluster","ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack","ports":[{"port":80,"protocol":"TCP","targetPort":80}],
             "selector":{"app":"a"},"sessionAffinity":"None","type":"ClusterIP"}
            """), Canonical(spec.ToJsonString()));
        var replaced = Expect(200, await Api.PutAsync(Core("services", "s"), Json("""{"metadata":{"name":"s"},"spec":{"ports":[{"port":81}]}}""")));
        Assert.Equal(address, (string?)At(replaced.Body, "spec", "clusterIP"));
        var moved = Expect(422, await Api.PatchAsync(Core("services", "s"), "merge", """{"spec":{"clusterIP":"10.96.200.201","clusterIPs":["10.96.200.201"]}}"""));
        Assert.Contains("may not change once set", moved.Message, StringComparison.Ordinal);
        var taken = Expect(422, await Api.PostAsync(Core("services"), Json($$$"""{"metadata":{"name":"t"},"spec":{"clusterIP":"{{{address}}}","ports":[{"port":80}]}}""")));
        Assert.Contains("provided IP is already allocated", taken.Message, StringComparison.Ordinal);
        Expect(200, await Api.DeleteAsync(Core("services", "s")));
        Expect(201, await Api.PostAsync(Core("services"), Json($$$"""{"metadata":{"name":"t"},"spec":{"clusterIP":"{{{address}}}","ports":[{"port":80}]}}""")));
    }

    [Fact]
    public async Task HeadlessExternalAndNodePortServices()
    {
        var headless = Expect(201, await Api.PostAsync(Core("services"), Json("""{"metadata":{"name":"h"},"spec":{"clusterIP":"None","selector":{"a":"b"}}}""")));
        Assert.Equal("""["None"]""", At(headless.Body, "spec", "clusterIPs")!.ToJsonString());
        var external = Expect(201, await Api.PostAsync(Core("services"), Json("""{"metadata":{"name":"e"},"spec":{"type":"ExternalName","externalName":"example.test"}}""")));
        Assert.Null(At(external.Body, "spec", "clusterIP"));
        var node = Expect(201, await Api.PostAsync(Core("services"), Json("""{"metadata":{"name":"n"},"spec":{"type":"NodePort","ports":[{"port":80}]}}""")));
        Assert.InRange((int)At(node.Body, "spec", "ports", 0, "nodePort")!, 30000, 32767);
        var bad = Expect(422, await Api.PostAsync(Core("services"), Json("""{"metadata":{"name":"m"},"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":80}]}}""")));
        Assert.Contains("spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767", bad.Message, StringComparison.Ordinal);
        var back = Expect(200, await Api.PatchAsync(Core("services", "n"), "merge", """{"spec":{"type":"ClusterIP"}}"""));
        Assert.Null(At(back.Body, "spec", "ports", 0, "nodePort"));
    }

    [Theory]
    [InlineData("services", """{"metadata":{"name":"s"},"spec":{}}""", "Service \"s\" is invalid: spec.ports: Required value")]
    [InlineData("services", """{"metadata":{"name":"s"},"spec":{"type":"Foo","ports":[{"port":80}]}}""", "spec.type: Unsupported value: \"Foo\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"")]
    [InlineData("services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80},{"port":81}]}}""", "[spec.ports[0].name: Required value, spec.ports[1].name: Required value]")]
    [InlineData("services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":70000}]}}""", "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive")]
    [InlineData("configmaps", """{"metadata":{"name":"c","labels":{"a b":"x"}}}""", "metadata.labels: Invalid value: \"a b\": name part must consist of alphanumeric characters")]
    [InlineData("configmaps", """{"metadata":{"name":"c"},"data":{"a b":"x"}}""", "data[a b]: Invalid value: \"a b\": a valid config key must consist of")]
    public async Task ABadCoreObjectIsRefusedInKubernetesWords(string plural, string body, string words)
    {
        var answer = Expect(422, await Api.PostAsync(Core(plural), Json(body)));
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"containers":[]}""", "spec.template.spec.containers: Required value")]
    [InlineData("""{"containers":[{"name":"a"}]}""", "spec.template.spec.containers[0].image: Required value")]
    [InlineData("""{"containers":[{"image":"a"}]}""", "spec.template.spec.containers[0].name: Required value")]
    [InlineData("""{"containers":[{"name":"A","image":"a"}]}""", "spec.template.spec.containers[0].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of")]
    [InlineData("""{"containers":[{"name":"a","image":"a"},{"name":"a","image":"a"}]}""", "spec.template.spec.containers[1].name: Duplicate value: \"a\"")]
    [InlineData("""{"containers":[{"name":"a","image":"a","ports":[{"containerPort":0}]}]}""", "spec.template.spec.containers[0].ports[0].containerPort: ")]
    [InlineData("""{"containers":[{"name":"a","image":"a","volumeMounts":[{"name":"v","mountPath":"/v"}]}]}""", "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"v\"")]
    [InlineData("""{"containers":[{"name":"a","image":"a","livenessProbe":{}}]}""", "spec.template.spec.containers[0].livenessProbe: Required value: must specify a handler type")]
    [InlineData("""{"restartPolicy":"Never","containers":[{"name":"a","image":"a"}]}""", "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"")]
    [InlineData("""{"containers":[{"name":"a","image":"a","imagePullPolicy":"Sometimes"}]}""", "spec.template.spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\"")]
    public async Task ABadPodTemplateIsRefusedInKubernetesWords(string pod, string words)
    {
        var deployment = Deployment("d");
        deployment["spec"]!["template"]!["spec"] = JsonNode.Parse(pod);
        var answer = Expect(422, await Api.PostAsync(Apps("deployments"), deployment));
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"replicas":-1}""", "spec.replicas: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("""{"selector":null}""", "spec.selector: Required value")]
    [InlineData("""{"strategy":{"type":"Recreate","rollingUpdate":{}}}""", "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'")]
    [InlineData("""{"strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":0}}}""", "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0")]
    public async Task ABadDeploymentIsRefusedInKubernetesWords(string change, string words)
    {
        var deployment = Deployment("d");
        foreach (var (name, value) in Json(change)) deployment["spec"]![name] = value?.DeepClone();
        var answer = Expect(422, await Api.PostAsync(Apps("deployments"), deployment));
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
    }

    private static string Canonical(string json) => Sorted(JsonNode.Parse(json))!.ToJsonString();

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create(pair.Key, Sorted(pair.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Sorted)]),
        _ => node?.DeepClone(),
    };
}

[Collection(EmbeddedCollection.Name)]
public sealed class EmbeddedDefaultsTests(EmbeddedClusterUnderTest cluster) : DefaultsTests(cluster);

[Collection(RealCollection.Name)]
public sealed class RealDefaultsTests(RealClusterUnderTest cluster) : DefaultsTests(cluster);
