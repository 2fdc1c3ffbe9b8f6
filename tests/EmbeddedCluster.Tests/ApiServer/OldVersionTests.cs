using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Tests.Behaviour;
using Lateen.Foundation.Yaml;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.ApiServer;

/// <summary>Versions that only the YAML of Istio 1.1's age still uses.</summary>
[Collection(EmbeddedCollection.Name)]
public sealed class OldVersionTests(EmbeddedClusterUnderTest cluster) : BehaviourTests(cluster)
{
    [Fact]
    public async Task AnIngressHasAnOldAndANewForm()
    {
        var old = Json("""
            {"apiVersion":"extensions/v1beta1","kind":"Ingress","metadata":{"name":"i"},"spec":{"backend":{"serviceName":"d","servicePort":80},
              "rules":[{"host":"a.test","http":{"paths":[{"path":"/x","backend":{"serviceName":"s","servicePort":"web"}}]}}]}}
            """);
        Expect(201, await Api.PostAsync($"/apis/extensions/v1beta1/namespaces/{Space}/ingresses", old));
        var today = Expect(200, await Api.GetAsync($"/apis/networking.k8s.io/v1/namespaces/{Space}/ingresses/i")).Body["spec"]!;
        Assert.Equal(("d", 80), ((string?)At(today, "defaultBackend", "service", "name"), (int?)At(today, "defaultBackend", "service", "port", "number")));
        var path = At(today, "rules", 0, "http", "paths", 0)!;
        Assert.Equal(("s", "web", "ImplementationSpecific"),
            ((string?)At(path, "backend", "service", "name"), (string?)At(path, "backend", "service", "port", "name"), (string?)path["pathType"]));
        var back = Expect(200, await Api.GetAsync($"/apis/extensions/v1beta1/namespaces/{Space}/ingresses/i")).Body["spec"]!;
        Assert.Equal(("d", "web"), ((string?)At(back, "backend", "serviceName"), (string?)At(back, "rules", 0, "http", "paths", 0, "backend", "servicePort")));
        Assert.Equal("extensions/v1beta1", (string?)At((await Api.GetAsync($"/apis/extensions/v1beta1/namespaces/{Space}/ingresses")).Body, "items", 0, "apiVersion"));
    }

    [Fact]
    public async Task IstiosOldDefinitionsAreServedAtOnce()
    {
        var group = Space + ".example.test";
        var definition = (JsonObject)YamlReader.ReadAll(await File.ReadAllTextAsync(Corpora.Require("istio-1.1.17", "crds", "crd-10.yaml"), TestContext.Current.CancellationToken), "crd-10")
            .Select(document => document.Root).OfType<JsonObject>().First(root => (string?)root["spec"]!["names"]!["kind"] == "VirtualService").DeepClone();
        definition["spec"]!["group"] = group;
        definition["metadata"]!["name"] = "virtualservices." + group;
        Expect(201, await Api.PostAsync("/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions", definition));
        var made = Expect(201, await Api.PostAsync($"/apis/{group}/v1alpha3/namespaces/{Space}/virtualservices",
            Json($$$$"""{"apiVersion":"{{{{group}}}}/v1alpha3","kind":"VirtualService","metadata":{"name":"v"},"spec":{"hosts":["a"],"anything":{"goes":1}}}""")));
        Assert.Equal(1, (int?)At(made.Body, "spec", "anything", "goes"));
        var table = Expect(200, await Api.GetAsync($"/apis/{group}/v1alpha3/namespaces/{Space}/virtualservices", "application/json;as=Table;v=v1;g=meta.k8s.io"));
        Assert.Equal("""["a"]""", (string?)At(table.Body, "rows", 0, "cells", 2));
        var back = Expect(200, await Api.GetAsync($"/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions/virtualservices.{group}")).Body;
        Assert.Equal("v1alpha3", (string?)At(back, "spec", "version"));
        Assert.Equal(".spec.gateways", (string?)At(back, "spec", "additionalPrinterColumns", 0, "JSONPath"));
        Expect(200, await Api.DeleteAsync($"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/virtualservices.{group}"));
    }

    [Fact]
    public async Task AnOldWebhookConfigurationGetsItsOldDefaults()
    {
        var made = Expect(201, await Api.PostAsync("/apis/admissionregistration.k8s.io/v1beta1/validatingwebhookconfigurations", Json("""
            {"metadata":{"name":"NAME"},"webhooks":[{"name":"a.b.c","clientConfig":{"service":{"name":"galley","namespace":"istio-system","path":"/x"}},
              "rules":[{"operations":["CREATE"],"apiGroups":["none.test"],"apiVersions":["*"],"resources":["*"]}]}]}
            """.Replace("NAME", Space, StringComparison.Ordinal))));
        var hook = At(made.Body, "webhooks", 0)!;
        Assert.Equal(("Ignore", 30, "v1beta1"), ((string?)hook["failurePolicy"], (int?)hook["timeoutSeconds"], (string?)At(hook, "admissionReviewVersions", 0)));
        Expect(200, await Api.DeleteAsync("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/" + Space));
    }

    [Fact]
    public async Task EventsHaveTwoForms()
    {
        Expect(201, await Api.PostAsync(Core("events"), Json("""
            {"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p"},"reason":"Because","message":"words","type":"Normal","source":{"component":"me"},"count":2}
            """)));
        var newer = Expect(200, await Api.GetAsync($"/apis/events.k8s.io/v1/namespaces/{Space}/events/e")).Body;
        Assert.Equal(("p", "words", 2), ((string?)At(newer, "regarding", "name"), (string?)newer["note"], (int?)newer["deprecatedCount"]));
        Assert.Equal(["e"], (await Api.GetAsync(Core("events") + "?fieldSelector=involvedObject.name%3Dp,reason%3DBecause")).Names);
    }
}
