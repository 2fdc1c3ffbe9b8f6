using Istio.Networking.V1Alpha3;
using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>Gateway: its servers, each alone and together.</summary>
internal static class GatewayRules
{
    public static void Validate(Check check)
    {
        var gateway = check.Object.As<Gateway>();
        var servers = FieldPath.Spec["servers"];
        if (!check.Original && !DnsNames.IsLabel(check.Object.Name))
            check.Error(FieldPath.Root["metadata"]["name"], $"invalid gateway name: {GoText.Quote(check.Object.Name)}");
        if (gateway.Servers.Count == 0) check.Error(servers, "gateway must have at least one server");
        var portNames = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < gateway.Servers.Count; i++)
        {
            var server = gateway.Servers[i];
            ValidateServer(check, servers[i], server);
            if (server.Port is not { } port) continue;
            if (!portNames.Add(port.Name)) check.Error(servers[i]["port"]["name"], $"port names in servers must be unique: duplicate name {port.Name}");
            if (!check.Original && !Values.IsHttp(port.Protocol) && server.Tls?.HttpsRedirect == true)
                check.Warn(servers[i]["tls"]["httpsRedirect"], "tls.httpsRedirect should only be used with http servers");
        }
    }

    private static void ValidateServer(Check check, FieldPath at, Server server)
    {
        if (server.Hosts.Count == 0) check.Error(at["hosts"], "server config must contain at least one host");
        for (var i = 0; i < server.Hosts.Count; i++)
        {
            // parity: 1.1 asked for a dot before it looked for the namespace.
            if (check.Original && server.Hosts[i] != "*" && !server.Hosts[i].Contains('.', StringComparison.Ordinal))
                check.Error(at["hosts"][i], "short names (non FQDN) are not allowed in Gateway server hosts");
            NamespacedHosts.Validate(check, at["hosts"][i], server.Hosts[i], isGateway: true);
        }
        var before = check.ErrorCount;
        ValidatePort(check, at["port"], server);
        var portIsGood = check.ErrorCount == before;
        if (!check.Original) ValidateBind(check, at, server);
        ServerTls.Validate(check, at["tls"], server.Tls);
        if (!portIsGood) return;

        var protocol = server.Port.Protocol;
        if (Values.IsTls(protocol))
        {
            if (server.Tls is null) check.Error(at["tls"], "server must have TLS settings for HTTPS/TLS protocols");
        }
        else if (server.Tls is { } tls)
        {
            if (!Values.IsHttp(protocol)) check.Error(at["tls"], "server cannot have TLS settings for non HTTPS/TLS ports");
            else if (!ServerTls.IsPassthrough(tls) || tls.CaCertificates.Length + tls.PrivateKey.Length + tls.ServerCertificate.Length > 0)
                check.Error(at["tls"], "server cannot have TLS settings for plain text HTTP ports");
        }
    }

    private static void ValidatePort(Check check, FieldPath at, Server server)
    {
        if (server.Port is not { } port)
        {
            check.Error(at, "port is required");
            return;
        }
        if (!Values.IsKnownProtocol(port.Protocol))
            check.Error(at["protocol"], $"invalid protocol {GoText.Quote(port.Protocol)}, supported protocols are HTTP, HTTP2, GRPC, GRPC-WEB, MONGO, REDIS, MYSQL, TCP");
        if (check.Original ? port.Number > 0 : port.Number > 0 || !server.Bind.StartsWith("unix://", StringComparison.Ordinal))
            check.Error(at["number"], Addresses.CheckPort(port.Number));
#pragma warning disable CS0612 // Deprecated, and refused.
        if (port.TargetPort > 0) check.Error(at["targetPort"], "targetPort has no impact on Gateways");
#pragma warning restore CS0612
        if (port.Name.Length == 0) check.Error(at["name"], "port name must be set");
    }

    private static void ValidateBind(Check check, FieldPath at, Server server)
    {
        if (server.Bind.StartsWith("unix://", StringComparison.Ordinal))
        {
            check.Error(at["bind"], Addresses.CheckUnix(server.Bind["unix://".Length..]));
            if (server.Port is { Number: not 0 }) check.Error(at["port"]["number"], "port number must be 0 for unix domain socket");
        }
        else if (server.Bind.Length > 0)
        {
            check.Error(at["bind"], Addresses.CheckIp(server.Bind));
        }
    }
}
