using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.Proxy.Upstream.Clusters;

namespace Lateen.Proxy.Admin;

/// <summary>Clusters and their hosts, in Envoy's two forms.</summary>
internal static class ClusterPages
{
    public static string Text(ClusterState[] clusters)
    {
        var page = new StringBuilder();
        foreach (var cluster in clusters)
        {
            var (name, snapshot) = (cluster.Name, cluster.Snapshot);
            page.Append(CultureInfo.InvariantCulture, $"{name}::observability_name::{snapshot.StatName}\n");
            foreach (var (priority, limits) in new[] { ("default", snapshot.Default), ("high", snapshot.High) })
                page.Append(CultureInfo.InvariantCulture, $"{name}::{priority}_priority::max_connections::{limits.MaxConnections}\n")
                    .Append(CultureInfo.InvariantCulture, $"{name}::{priority}_priority::max_pending_requests::{limits.MaxPending}\n")
                    .Append(CultureInfo.InvariantCulture, $"{name}::{priority}_priority::max_requests::{limits.MaxRequests}\n")
                    .Append(CultureInfo.InvariantCulture, $"{name}::{priority}_priority::max_retries::{limits.MaxRetries}\n");
            foreach (var host in cluster.Hosts.All)
                page.Append(CultureInfo.InvariantCulture, $"{name}::{host.Text}::rq_active::{host.Active}\n")
                    .Append(CultureInfo.InvariantCulture, $"{name}::{host.Text}::hostname::{host.Hostname}\n")
                    .Append(CultureInfo.InvariantCulture, $"{name}::{host.Text}::health_flags::{host.FlagText()}\n")
                    .Append(CultureInfo.InvariantCulture, $"{name}::{host.Text}::weight::{host.Weight}\n")
                    .Append(CultureInfo.InvariantCulture, $"{name}::{host.Text}::region::{host.Region}\n")
                    .Append(CultureInfo.InvariantCulture, $"{name}::{host.Text}::zone::{host.Zone}\n")
                    .Append(CultureInfo.InvariantCulture, $"{name}::{host.Text}::sub_zone::{host.SubZone}\n")
                    .Append(CultureInfo.InvariantCulture, $"{name}::{host.Text}::priority::{host.Priority}\n");
        }
        return page.ToString();
    }

    public static string Json(ClusterState[] clusters) => new JsonObject
    {
        ["cluster_statuses"] = new JsonArray([.. clusters.Select(cluster => new JsonObject
        {
            ["name"] = cluster.Name,
            ["observability_name"] = cluster.Snapshot.StatName,
            ["added_via_api"] = cluster.Snapshot.Discovery == DiscoveryType.Eds,
            ["host_statuses"] = new JsonArray([.. cluster.Hosts.All.Select(host => new JsonObject
            {
                ["address"] = host.Address.Path is { } path
                    ? new JsonObject { ["pipe"] = new JsonObject { ["path"] = path } }
                    : new JsonObject { ["socket_address"] = new JsonObject { ["address"] = host.Address.ToIpAddress().ToString(), ["port_value"] = host.Address.Port } },
                ["health_status"] = Health(host),
                ["weight"] = host.Weight,
                ["priority"] = host.Priority,
                ["locality"] = new JsonObject { ["region"] = host.Region, ["zone"] = host.Zone, ["sub_zone"] = host.SubZone },
            })]),
        })]),
    }.ToJsonString(AdminPages.Indented) + "\n";

    private static JsonObject Health(HostState host)
    {
        var health = new JsonObject();
        foreach (var (flag, name) in JsonFlags)
            if ((host.Flags & flag) != 0)
                health[name] = true;
        health["eds_health_status"] = host.Given.ToString().ToUpperInvariant();
        return health;
    }

    private static readonly (HostFlags Flag, string Name)[] JsonFlags =
    [
        (HostFlags.FailedActiveCheck, "failed_active_health_check"), (HostFlags.FailedOutlierCheck, "failed_outlier_check"), (HostFlags.DegradedByCheck, "failed_active_degraded_check"),
        (HostFlags.PendingRemoval, "pending_dynamic_removal"), (HostFlags.PendingFirstCheck, "pending_active_hc"),
        (HostFlags.ExcludedByImmediateFailure, "excluded_via_immediate_hc_fail"), (HostFlags.CheckTimedOut, "active_hc_timeout"),
    ];
}
