using Istio.Networking.V1Alpha3;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>Traffic policies of a host, a subset or a port.</summary>
internal static class TrafficPolicies
{
    public static void Validate(Check check, FieldPath at, TrafficPolicy? policy)
    {
        if (policy is null) return;
        if (policy is { OutlierDetection: null, ConnectionPool: null, LoadBalancer: null, Tls: null, PortLevelSettings.Count: 0, Tunnel: null, ProxyProtocol: null, RetryBudget: null })
        {
            check.Error(at, "traffic policy must have at least one field");
            return;
        }
        if (policy.Tunnel is not null && policy.ProxyProtocol is not null)
        {
            check.Error(at, "tunnel and proxyProtocol must not be set together");
            return;
        }
        Outliers(check, at["outlierDetection"], policy.OutlierDetection);
        ConnectionPools.Validate(check, at["connectionPool"], policy.ConnectionPool);
        LoadBalancers.Validate(check, at["loadBalancer"], policy.LoadBalancer, policy.OutlierDetection);
        ClientTls.Validate(check, at["tls"], policy.Tls);
        for (var i = 0; i < policy.PortLevelSettings.Count; i++) Port(check, at["portLevelSettings"][i], policy.PortLevelSettings[i]);
        if (policy.Tunnel is { } tunnel) Tunnel(check, at["tunnel"], tunnel);
        if (policy.ProxyProtocol is { } proxy && (int)proxy.Version is not (0 or 1))
            check.Error(at["proxyProtocol"]["version"], $"proxy protocol version is invalid: {(int)proxy.Version}");
    }

    public static void Outliers(Check check, FieldPath at, OutlierDetection? outlier)
    {
        if (outlier is null) return;
        check.Error(at["baseEjectionTime"], Values.CheckDuration(outlier.BaseEjectionTime));
#pragma warning disable CS0612 // Deprecated, but served.
        if (check.Original && outlier.ConsecutiveErrors < 0) check.Error(at["consecutiveErrors"], "outlier detection consecutive errors cannot be negative");
        else if (!check.Original && outlier.ConsecutiveErrors != 0)
            check.Warn(at["consecutiveErrors"], "outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or consecutive5xxErrors instead");
#pragma warning restore CS0612
        if (!outlier.SplitExternalLocalOriginErrors && outlier.ConsecutiveLocalOriginFailures > 0)
            check.Error(at["consecutiveLocalOriginFailures"], "outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false");
        check.Error(at["interval"], Values.CheckDuration(outlier.Interval));
        check.Error(at["maxEjectionPercent"], Values.CheckPercent(outlier.MaxEjectionPercent));
        check.Error(at["minHealthPercent"], Values.CheckPercent(outlier.MinHealthPercent));
    }

    private static void Port(Check check, FieldPath at, TrafficPolicy.Types.PortTrafficPolicy policy)
    {
        if (policy.Port is null) check.Error(at["port"], "portTrafficPolicy must have valid port");
        if (policy is { OutlierDetection: null, ConnectionPool: null, LoadBalancer: null, Tls: null })
        {
            check.Error(at, "port traffic policy must have at least one field");
            return;
        }
        Outliers(check, at["outlierDetection"], policy.OutlierDetection);
        ConnectionPools.Validate(check, at["connectionPool"], policy.ConnectionPool);
        LoadBalancers.Validate(check, at["loadBalancer"], policy.LoadBalancer, policy.OutlierDetection);
        ClientTls.Validate(check, at["tls"], policy.Tls);
    }

    private static void Tunnel(Check check, FieldPath at, TrafficPolicy.Types.TunnelSettings tunnel)
    {
        if (tunnel.Protocol is not ("" or "CONNECT" or "POST")) check.Error(at["protocol"], "tunnel protocol must be \"CONNECT\" or \"POST\"");
        if (DnsNames.CheckFqdn(tunnel.TargetHost, original: false) is { } problem && !Addresses.IsIp(tunnel.TargetHost))
            check.Error(at["targetHost"], $"tunnel target host must be valid FQDN or IP address: {problem}; {Addresses.CheckIp(tunnel.TargetHost)}");
        if (Addresses.CheckPort(tunnel.TargetPort) is { } port) check.Error(at["targetPort"], $"tunnel target port is invalid: {port}");
    }
}
