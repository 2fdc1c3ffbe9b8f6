using System.Globalization;
using Istio.Networking.V1Alpha3;
using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>Sidecar: listeners of its own, and what it may reach.</summary>
internal static class SidecarRules
{
    private const string Unix = "unix://";

    public static void Validate(Check check)
    {
        var sidecar = check.Object.As<Sidecar>();
        var spec = FieldPath.Spec;
        if (check.Original)
        {
            if (sidecar.WorkloadSelector is { Labels.Count: 0 }) check.Error(spec["workloadSelector"], "sidecar: workloadSelector cannot have empty labels");
            if (sidecar.Egress.Count == 0)
            {
                check.Error(spec["egress"], "sidecar: missing egress");
                return;
            }
        }
        else
        {
            if (!Selectors.Validate(check, spec["workloadSelector"], sidecar.WorkloadSelector, "sidecar")) return;
            if (sidecar is { Egress.Count: 0, Ingress.Count: 0, OutboundTrafficPolicy: null, InboundConnectionPool: null })
            {
                check.Error(spec, "sidecar: empty configuration provided");
                return;
            }
        }
        Ingress(check, spec["ingress"], sidecar);
        ConnectionPools.Validate(check, spec["inboundConnectionPool"], sidecar.InboundConnectionPool);
        Egress(check, spec["egress"], sidecar);
        OutboundPolicy(check, spec["outboundTrafficPolicy"], sidecar.OutboundTrafficPolicy);
    }

    private static void Ingress(Check check, FieldPath at, Sidecar sidecar)
    {
        var ports = new HashSet<uint>();
        var sockets = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < sidecar.Ingress.Count; i++)
        {
            var (listener, path) = (sidecar.Ingress[i], at[i]);
            if (listener.Port is not { } port)
            {
                check.Error(path["port"], "sidecar: port is required for ingress listeners");
                continue;
            }
            RefuseTargetPort(check, path, port);
            if (check.Original) PortAndBind(check, path, port, listener.Bind, listener.CaptureMode);
            else InboundPortAndBind(check, path, port, listener.Bind);
            if (check.Original && port.Number == 0)
            {
                if (!sockets.Add(listener.Bind)) check.Error(path["bind"], "sidecar: unix domain socket values for listeners must be unique");
            }
            else if (!ports.Add(port.Number))
            {
                check.Error(path["port"]["number"], "sidecar: ports on IP bound listeners must be unique");
            }
            DefaultEndpoint(check, path["defaultEndpoint"], listener.DefaultEndpoint);
            if (listener.Tls is { } tls) Tls(check, path["tls"], tls, port);
            ConnectionPools.Validate(check, path["connectionPool"], listener.ConnectionPool);
            if (listener.ConnectionPool?.Http is not null && !Values.IsHttp(port.Protocol))
                check.Warn(path["connectionPool"]["http"], $"sidecar: HTTP connection pool settings are configured for port {port.Number} ({GoText.Quote(port.Name)}) but its protocol is not HTTP ({port.Protocol}); only TCP settings will apply");
        }
    }

    private static void Tls(Check check, FieldPath at, ServerTLSSettings tls, SidecarPort port)
    {
        if (tls.SubjectAltNames.Count > 0) check.Error(at["subjectAltNames"], "sidecar: subjectAltNames is not supported in ingress tls");
        if (tls.HttpsRedirect) check.Error(at["httpsRedirect"], "sidecar: httpsRedirect is not supported");
        if (tls.CredentialName.Length > 0) check.Error(at["credentialName"], "sidecar: credentialName is not currently supported");
        if (tls.CredentialNames.Count > 0) check.Error(at["credentialNames"], "sidecar: credentialNames is not currently supported");
        if (tls.TlsCertificates.Count > 0) check.Error(at["tlsCertificates"], "sidecar: tls_certificates is not currently supported");
        if (tls.Mode is ServerTLSSettings.Types.TLSmode.IstioMutual) check.Error(at["mode"], "configuration is invalid: cannot set mode to ISTIO_MUTUAL in sidecar ingress tls");
        if (tls.Mode is ServerTLSSettings.Types.TLSmode.AutoPassthrough) check.Error(at["mode"], "configuration is invalid: cannot set mode to AUTO_PASSTHROUGH in sidecar ingress tls");
        if (!Values.IsTls(port.Protocol)) check.Error(at, "server cannot have TLS settings for non HTTPS/TLS ports");
        ServerTls.Validate(check, at, tls);
    }

    private static void DefaultEndpoint(Check check, FieldPath at, string endpoint)
    {
        if (endpoint.Length == 0)
        {
            if (check.Original) check.Error(at, "sidecar: default endpoint must be set for all ingress listeners");
            return;
        }
        if (endpoint.StartsWith(Unix, StringComparison.Ordinal))
        {
            check.Error(at, Addresses.CheckUnix(endpoint[Unix.Length..]));
            return;
        }
        if (Addresses.Split(endpoint, out var error) is not { } split)
        {
            check.Error(at, check.Original ? "sidecar: defaultEndpoint must be of form 127.0.0.1:<port>" : error);
            return;
        }
        if (check.Original && split.Host is not ("" or "127.0.0.1")) check.Error(at, "sidecar: defaultEndpoint must be of form 127.0.0.1:<port>");
        else if (split.Host is not ("" or "127.0.0.1" or "0.0.0.0" or "::1" or "::"))
            check.Error(at, "sidecar: defaultEndpoint must be of form 127.0.0.1:<port>,0.0.0.0:<port>,[::1]:port,[::]:port,unix://filepath or unset");
        if (int.TryParse(split.Port, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var port)) check.Error(at, Addresses.CheckPort(port));
        else check.Error(at, $"sidecar: defaultEndpoint port ({split.Port}) is not a number");
    }

    private static void Egress(Check check, FieldPath at, Sidecar sidecar)
    {
        var ports = new HashSet<uint>();
        var sockets = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < sidecar.Egress.Count; i++)
        {
            var (listener, path) = (sidecar.Egress[i], at[i]);
            if (listener.Port is not { } port)
            {
                if (i < sidecar.Egress.Count - 1) check.Error(path["port"], "sidecar: the egress listener with empty port should be the last listener in the list");
            }
            else
            {
                RefuseTargetPort(check, path, port);
                PortAndBind(check, path, port, listener.Bind, listener.CaptureMode);
                if (port.Number == 0 ? !sockets.Add(listener.Bind) : !ports.Add(port.Number))
                    check.Error(path["port"], port.Number == 0 ? "sidecar: unix domain socket values for listeners must be unique" : "sidecar: ports on IP bound listeners must be unique");
            }
            if (listener.Hosts.Count == 0) check.Error(path["hosts"], "sidecar: egress listener must contain at least one host");
            for (var j = 0; j < listener.Hosts.Count; j++) NamespacedHosts.Validate(check, path["hosts"][j], listener.Hosts[j], isGateway: false);
            if (!check.Original) WarnDuplicates(check, path["hosts"], listener);
        }
    }

    private static void WarnDuplicates(Check check, FieldPath at, IstioEgressListener listener)
    {
        var seen = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        for (var i = 0; i < listener.Hosts.Count; i++)
        {
            var host = listener.Hosts[i];
            var slash = host.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0 || host[0] == '~') continue;
            var (ns, name) = (host[..slash], host[(slash + 1)..]);
            if (ns == ".") ns = check.Namespace;
            if (!seen.TryGetValue(ns, out var names)) seen[ns] = names = new HashSet<string>(StringComparer.Ordinal);
            if (name == "*" ? names.Count > 0 : names.Contains(name) || names.Contains("*")) check.Warn(at[i], $"duplicated egress host: {host}");
            names.Add(name);
        }
        if (seen.TryGetValue("*", out var everywhere) && everywhere.Contains("*") && seen.Count > 1)
            check.Warn(at, "`*/*` host select all resources, no other hosts can be added");
    }

    private static void OutboundPolicy(Check check, FieldPath at, OutboundTrafficPolicy? policy)
    {
        if (policy?.EgressProxy is not { } proxy) return;
        if (policy.Mode != OutboundTrafficPolicy.Types.Mode.AllowAny)
        {
            check.Error(at["egressProxy"], "sidecar: egress_proxy must be set only with ALLOW_ANY outbound_traffic_policy mode");
            return;
        }
        check.Error(at["egressProxy"]["host"], DnsNames.CheckFqdn(proxy.Host, original: false));
        if (proxy.Port is null) check.Error(at["egressProxy"]["port"], "sidecar: egress_proxy port must be non-nil");
        else Destinations.Validate(check, at["egressProxy"], proxy);
    }

    private static void InboundPortAndBind(Check check, FieldPath at, SidecarPort port, string bind)
    {
        if (port.Name.Length > 0) check.Error(at["port"]["name"], DnsNames.CheckPortName(port.Name));
        check.Error(at["port"]["protocol"], Values.CheckProtocol(port.Protocol, original: false));
        check.Error(at["port"]["number"], Addresses.CheckPort(port.Number));
        if (bind.Length > 0) check.Error(at["bind"], Addresses.CheckIp(bind));
    }

    private static void PortAndBind(Check check, FieldPath at, SidecarPort port, string bind, CaptureMode mode)
    {
        if (check.Original || port.Name.Length > 0) check.Error(at["port"]["name"], DnsNames.CheckPortName(port.Name));
        check.Error(at["port"]["protocol"], Values.CheckProtocol(port.Protocol, check.Original));
        if (port.Number != 0)
        {
            check.Error(at["port"]["number"], Addresses.CheckPort(port.Number));
            if (bind.Length > 0) check.Error(at["bind"], Addresses.CheckIp(bind, check.Original));
            return;
        }
        if (bind.StartsWith(Unix, StringComparison.Ordinal)) check.Error(at["bind"], Addresses.CheckUnix(bind[Unix.Length..]));
        else check.Error(at["bind"], "sidecar: ports with 0 value must have a unix domain socket bind address");
        if (mode is not (CaptureMode.Default or CaptureMode.None)) check.Error(at["captureMode"], "sidecar: captureMode must be DEFAULT/NONE for unix domain socket listeners");
    }

    private static void RefuseTargetPort(Check check, FieldPath at, SidecarPort port)
    {
#pragma warning disable CS0612 // Deprecated, and refused.
        if (port.TargetPort > 0) check.Error(at["port"]["targetPort"], "targetPort has no impact on Sidecars");
#pragma warning restore CS0612
    }
}
