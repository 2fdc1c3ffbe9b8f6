using Lateen.Standalone.Layout;

namespace Lateen.Standalone.Setup;

/// <summary>The objects that a mesh begins with, as YAML. Immutable.</summary>
internal sealed class MeshObjects(MeshLayout layout)
{
    /// <summary>The mesh's settings.</summary>
    public string MeshConfig => $"""
        accessLogFile: /dev/stdout
        enableTracing: false
        rootNamespace: istio-system
        trustDomain: cluster.local
        outboundTrafficPolicy:
          mode: ALLOW_ANY
        defaultConfig:
          discoveryAddress: {layout.DiscoveryAddress}
          interceptionMode: {Interception}
          concurrency: 1
        """;

    /// <summary>Services of the control plane, with the node's address behind them.</summary>
    public string ControlPlane => $$"""
        {{Service("istio-pilot", "10.96.0.15", ("grpc-xds", 15010, 15010), ("http-legacy-discovery", 8080, 8080), ("http-monitoring", 15014, 15014))}}
        ---
        {{Service("istiod", "10.96.0.16", ("grpc-xds", 15010, 15010), ("http-monitoring", 15014, 15014))}}
        ---
        {{Service("istio-sidecar-injector", "10.96.0.17", ("https", 443, MeshLayout.InjectorPort))}}
        ---
        {{Service("istio-galley", "10.96.0.18", ("https-validation", 443, MeshLayout.GalleyPort))}}
        """;

    /// <summary>The webhooks: injection, and validation of every Istio kind.</summary>
    public static string Webhooks(string caBundle) => $$"""
        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingWebhookConfiguration
        metadata:
          name: istio-sidecar-injector
          labels:
            app: istio-sidecar-injector
        webhooks:
        - name: sidecar-injector.istio.io
          admissionReviewVersions: [v1, v1beta1]
          sideEffects: None
          failurePolicy: Fail
          timeoutSeconds: 10
          clientConfig:
            service:
              name: istio-sidecar-injector
              namespace: istio-system
              path: /inject
              port: 443
            caBundle: {{caBundle}}
          rules:
          - operations: [CREATE]
            apiGroups: [""]
            apiVersions: [v1]
            resources: [pods]
          namespaceSelector:
            matchLabels:
              istio-injection: enabled
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata:
          name: istio-galley
          labels:
            app: galley
            istio: galley
        webhooks:
        - name: pilot.validation.istio.io
          admissionReviewVersions: [v1, v1beta1]
          sideEffects: None
          failurePolicy: Fail
          timeoutSeconds: 10
          clientConfig:
            service:
              name: istio-galley
              namespace: istio-system
              path: /admitpilot
              port: 443
            caBundle: {{caBundle}}
          rules:
          - operations: [CREATE, UPDATE]
            apiGroups: [networking.istio.io, security.istio.io, telemetry.istio.io, extensions.istio.io, rbac.istio.io, authentication.istio.io, config.istio.io]
            apiVersions: ["*"]
            resources: ["*"]
        """;

    /// <summary>The ingress gateway.</summary>
    public string Gateway => $$"""
        apiVersion: v1
        kind: ServiceAccount
        metadata:
          name: istio-ingressgateway-service-account
          namespace: istio-system
        ---
        apiVersion: v1
        kind: Service
        metadata:
          name: istio-ingressgateway
          namespace: istio-system
          labels:
            app: istio-ingressgateway
            istio: ingressgateway
        spec:
          type: LoadBalancer
          clusterIP: {{MeshLayout.GatewayAddress}}
          selector:
            app: istio-ingressgateway
            istio: ingressgateway
          ports:
          - name: status-port
            port: 15021
            targetPort: 15021
          - name: http2
            port: 80
            targetPort: 8080
          - name: https
            port: 443
            targetPort: 8443
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: istio-ingressgateway
          namespace: istio-system
          labels:
            app: istio-ingressgateway
            istio: ingressgateway
        spec:
          replicas: 1
          selector:
            matchLabels:
              app: istio-ingressgateway
              istio: ingressgateway
          template:
            metadata:
              labels:
                app: istio-ingressgateway
                istio: ingressgateway
              annotations:
                sidecar.istio.io/inject: "false"
            spec:
              serviceAccountName: istio-ingressgateway-service-account
              containers:
              - name: istio-proxy
                image: docker.io/istio/proxyv2:1.1.17
                args: [proxy, router, --domain, $(POD_NAMESPACE).svc.cluster.local, --proxyLogLevel=warning, "--proxyComponentLogLevel=misc:error", "--log_output_level=default:info", --configPath=/etc/istio/proxy, --podInfo=/etc/istio/pod]
                ports:
                - containerPort: 15021
                - containerPort: 8080
                - containerPort: 8443
                - containerPort: 15090
                  name: http-envoy-prom
                readinessProbe:
                  httpGet:
                    path: /healthz/ready
                    port: 15021
                  initialDelaySeconds: 1
                  periodSeconds: 2
                  failureThreshold: 30
                env:
                - name: POD_NAME
                  valueFrom:
                    fieldRef:
                      fieldPath: metadata.name
                - name: POD_NAMESPACE
                  valueFrom:
                    fieldRef:
                      fieldPath: metadata.namespace
                - name: INSTANCE_IP
                  valueFrom:
                    fieldRef:
                      fieldPath: status.podIP
                - name: SERVICE_ACCOUNT
                  valueFrom:
                    fieldRef:
                      fieldPath: spec.serviceAccountName
                - name: HOST_IP
                  valueFrom:
                    fieldRef:
                      fieldPath: status.hostIP
                - name: PROXY_CONFIG
                  value: '{"discoveryAddress":"{{layout.DiscoveryAddress}}","concurrency":1}'
                - name: ISTIO_META_INTERCEPTION_MODE
                  value: {{Interception}}
                - name: ISTIO_META_WORKLOAD_NAME
                  value: istio-ingressgateway
                - name: ISTIO_META_OWNER
                  value: kubernetes://apis/apps/v1/namespaces/istio-system/deployments/istio-ingressgateway
                - name: ISTIO_META_CLUSTER_ID
                  value: Kubernetes
                - name: ISTIO_META_UNPRIVILEGED_POD
                  value: "true"
                - name: ISTIO_META_MESH_ID
                  value: cluster.local
                - name: TRUST_DOMAIN
                  value: cluster.local
                securityContext:
                  runAsUser: 1337
                  runAsGroup: 1337
                volumeMounts:
                - name: istio-envoy
                  mountPath: /etc/istio/proxy
                - name: istio-data
                  mountPath: /var/lib/istio/data
                - name: podinfo
                  mountPath: /etc/istio/pod
              securityContext:
                fsGroup: 1337
              volumes:
              - name: istio-envoy
                emptyDir: {}
              - name: istio-data
                emptyDir: {}
              - name: podinfo
                downwardAPI:
                  items:
                  - path: labels
                    fieldRef:
                      fieldPath: metadata.labels
                  - path: annotations
                    fieldRef:
                      fieldPath: metadata.annotations
        """;

    private string Interception => layout.HasNamespaces ? "REDIRECT" : "NONE";

    private string Service(string name, string address, params (string Name, int Port, int Target)[] ports) => $"""
        apiVersion: v1
        kind: Service
        metadata:
          name: {name}
          namespace: istio-system
        spec:
          clusterIP: {address}
          ports:
        {string.Join('\n', ports.Select(port => $"  - name: {port.Name}\n    port: {port.Port}\n    targetPort: {port.Target}"))}
        ---
        apiVersion: v1
        kind: Endpoints
        metadata:
          name: {name}
          namespace: istio-system
        subsets:
        - addresses:
          - ip: {layout.NodeAddress}
          ports:
        {string.Join('\n', ports.Select(port => $"  - name: {port.Name}\n    port: {port.Target}"))}
        """;
}
