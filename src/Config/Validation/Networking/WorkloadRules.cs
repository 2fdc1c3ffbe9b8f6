using Istio.Networking.V1Alpha3;
using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>WorkloadEntry, which ServiceEntry's endpoints are too, and WorkloadGroup.</summary>
internal static class WorkloadRules
{
    private const string Unix = "unix://";

    public static void ValidateEntry(Check check) => Endpoint(check, FieldPath.Spec, check.Object.As<WorkloadEntry>(), servicePorts: null, allowNames: true);

    public static void ValidateGroup(Check check)
    {
        var group = check.Object.As<WorkloadGroup>();
        var spec = FieldPath.Spec;
        if (group.Template is null)
        {
            check.Error(spec["template"], "template is required");
            return;
        }
        var before = check.ErrorCount;
        if (group.Metadata is { } metadata) LabelSyntax.Validate(check, spec["metadata"]["labels"], metadata.Labels);
        if (check.ErrorCount == before && group.Probe is { } probe) Probe(check, spec["probe"], probe);
    }

    public static void Endpoint(Check check, FieldPath at, WorkloadEntry entry, HashSet<string>? servicePorts, bool allowNames)
    {
        var address = entry.Address;
        if (address.Length == 0 && !check.Original)
        {
            if (entry.Network.Length == 0)
            {
                check.Error(at["address"], "address is required");
                return;
            }
            check.Warn(at["address"], $"address is unset with network {GoText.Quote(entry.Network)}");
        }
        var isUnix = address.StartsWith(Unix, StringComparison.Ordinal);
        if (isUnix)
        {
            check.Error(at["address"], Addresses.CheckUnix(address[Unix.Length..]));
            if (entry.Ports.Count > 0) check.Error(at["ports"], $"unix endpoint {address} must not include ports");
        }
        else if (check.Original)
        {
            check.Error(at["address"], Addresses.CheckIp(address, original: true));
        }
        else if (address.Length > 0 && !Addresses.IsIp(address))
        {
            if (!allowNames) check.Error(at["address"], $"endpoint address {GoText.Quote(address)} is not a valid IP address");
            else if (DnsNames.CheckFqdn(address, original: false) is not null) check.Error(at["address"], $"endpoint address {GoText.Quote(address)} is not a valid FQDN or an IP address");
        }
        foreach (var (name, port) in entry.Ports)
        {
            if (servicePorts is not null && !servicePorts.Contains(name)) check.Error(at["ports"].Key(name), $"endpoint port {port} is not defined by the service entry");
            if (check.Original) continue;
            check.Error(at["ports"].Key(name), DnsNames.CheckPortName(name));
            check.Error(at["ports"].Key(name), Addresses.CheckPort(port));
        }
        LabelSyntax.Validate(check, at["labels"], entry.Labels);
        if (isUnix && servicePorts is { Count: not 1 }) check.Error(at["address"], "exactly 1 service port required for unix endpoints");
    }

    private static void Probe(Check check, FieldPath at, ReadinessProbe probe)
    {
        NotNegative("periodSeconds", probe.PeriodSeconds);
        NotNegative("initialDelaySeconds", probe.InitialDelaySeconds);
        NotNegative("timeoutSeconds", probe.TimeoutSeconds);
        NotNegative("successThreshold", probe.SuccessThreshold);
        NotNegative("failureThreshold", probe.FailureThreshold);
        switch (probe.HealthCheckMethodCase)
        {
            case ReadinessProbe.HealthCheckMethodOneofCase.HttpGet:
                check.Error(at["httpGet"]["port"], Addresses.CheckPort(probe.HttpGet.Port));
                if (probe.HttpGet.Scheme is not ("" or "HTTP" or "HTTPS")) check.Error(at["httpGet"]["scheme"], "httpGet.scheme must be one of \"HTTPS\", \"HTTP\"");
                for (var i = 0; i < probe.HttpGet.HttpHeaders.Count; i++)
                    check.Error(at["httpGet"]["httpHeaders"][i]["name"], HeaderSyntax.CheckPlainName(probe.HttpGet.HttpHeaders[i].Name, underscores: false));
                break;
            case ReadinessProbe.HealthCheckMethodOneofCase.TcpSocket:
                check.Error(at["tcpSocket"]["port"], Addresses.CheckPort(probe.TcpSocket.Port));
                break;
            case ReadinessProbe.HealthCheckMethodOneofCase.Exec:
                if (probe.Exec.Command.Count == 0) check.Error(at["exec"]["command"], "exec.command is required");
                break;
            case ReadinessProbe.HealthCheckMethodOneofCase.Grpc:
                check.Error(at["grpc"], "unknown health check method *v1alpha3.ReadinessProbe_Grpc");
                break;
            default:
                check.Error(at, "unknown health check method <nil>");
                break;
        }

        void NotNegative(string field, int value)
        {
            if (value < 0) check.Error(at[field], $"{field} must be non-negative");
        }
    }
}
