using Lateen.Pilot.Tests.Harness;

namespace Lateen.Pilot.Tests.Situations;

/// <summary>The world of the recorded situations: services from the file beside, pods and their endpoints from here.</summary>
internal static class BookinfoWorld
{
    private static readonly (string Name, string Namespace, string Address, string Account, string Labels, string Slices)[] Pods =
    [
        ("details-v1-0", "default", "10.78.1.11", "bookinfo-details", "app: details, version: v1", "details=http:9080"),
        ("ratings-v1-0", "default", "10.78.1.12", "bookinfo-ratings", "app: ratings, version: v1", "ratings=http:9080"),
        ("reviews-v1-0", "default", "10.78.1.13", "bookinfo-reviews", "app: reviews, version: v1", "reviews=http:9080"),
        ("reviews-v2-0", "default", "10.78.1.14", "bookinfo-reviews", "app: reviews, version: v2", "reviews=http:9080"),
        ("reviews-v3-0", "default", "10.78.1.15", "bookinfo-reviews", "app: reviews, version: v3", "reviews=http:9080"),
        ("productpage-v1-0", "default", "10.78.1.16", "bookinfo-productpage", "app: productpage, version: v1", "productpage=http:9080"),
        ("httpbin-0", "default", "10.78.1.17", "httpbin", "app: httpbin, version: v1", "httpbin=http:8080"),
        ("tcp-echo-v1-0", "default", "10.78.1.18", "default", "app: tcp-echo, version: v1", "tcp-echo=tcp:9000,tcp-other:9001"),
        ("tcp-echo-v2-0", "default", "10.78.1.19", "default", "app: tcp-echo, version: v2", "tcp-echo=tcp:9000,tcp-other:9001"),
        ("istio-ingressgateway-0", "istio-system", "10.78.2.11", "istio-ingressgateway", "app: istio-ingressgateway, istio: ingressgateway",
            "istio-ingressgateway=status-port:15021,http2:8080,https:8443,tcp:31400,tls:15443"),
        ("istio-egressgateway-0", "istio-system", "10.78.2.12", "istio-egressgateway", "app: istio-egressgateway, istio: egressgateway", "istio-egressgateway=http2:8080,https:8443"),
    ];

    public static FakeMesh Create(IReadOnlyDictionary<string, string>? localities = null)
    {
        var mesh = new FakeMesh();
        foreach (var document in Documents(localities)) mesh.Apply(document);
        return mesh;
    }

    /// <summary>The objects as YAML, each part one document or several.</summary>
    public static IEnumerable<string> Documents(IReadOnlyDictionary<string, string>? localities = null)
    {
        yield return File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Situations", "bookinfo-world.yaml"));
        foreach (var pod in Pods)
        {
            var locality = localities?.GetValueOrDefault(pod.Name) is { } l ? $", istio-locality: {l}" : "";
            yield return $$"""
                apiVersion: v1
                kind: Pod
                metadata: {name: {{pod.Name}}, namespace: {{pod.Namespace}}, labels: { {{pod.Labels}}{{locality}} } }
                spec: {serviceAccountName: {{pod.Account}}, nodeName: node-1, containers: []}
                status: {phase: Running, podIP: {{pod.Address}}, conditions: [{type: Ready, status: "True"}]}
                """;
            var (service, ports) = (pod.Slices.Split('=')[0], pod.Slices.Split('=')[1].Split(',').Select(p => p.Split(':')));
            yield return $$"""
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: {{service}}-{{pod.Name}}, namespace: {{pod.Namespace}}, labels: {kubernetes.io/service-name: {{service}} } }
                addressType: IPv4
                ports: [{{string.Join(", ", ports.Select(p => PortOf(p)))}}]
                endpoints:
                - addresses: [{{pod.Address}}]
                  conditions: {ready: true}
                  targetRef: {kind: Pod, name: {{pod.Name}}, namespace: {{pod.Namespace}} }
                """;
        }
    }

    private static string PortOf(string[] port) => $"{{name: {port[0]}, port: {port[1]}, protocol: TCP}}";
}
