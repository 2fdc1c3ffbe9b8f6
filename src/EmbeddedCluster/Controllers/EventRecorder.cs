using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Writes Events about objects; the same event again only raises a count. Any thread; a lost event is no failure.</summary>
internal sealed partial class EventRecorder(ClusterClient client, ILogger logger)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<(string Uid, string Reason, string Message), (ObjectKey Key, DateTimeOffset Time)> _recent = new();
    private int _serial;

    /// <summary>Something ordinary happened.</summary>
    public void Normal(StoredObject about, string reason, string message, string component) => _ = RecordAsync(about, "Normal", reason, message, component);

    /// <summary>Something went wrong.</summary>
    public void Warning(StoredObject about, string reason, string message, string component) => _ = RecordAsync(about, "Warning", reason, message, component);

    private async Task RecordAsync(StoredObject about, string type, string reason, string message, string component)
    {
        try
        {
            var now = client.Now;
            var root = about.Root;
            var identity = (root.Text("metadata", "uid") ?? "", reason, message);
            if (_recent.TryGetValue(identity, out var known) && now - known.Time < Remembered)
            {
                var again = await client.UpdateAsync(known.Key, "", value =>
                {
                    value["count"] = (value.Whole("count") ?? 1) + 1;
                    value["lastTimestamp"] = ObjectMetadata.Time(now);
                }, CancellationToken.None).ConfigureAwait(false);
                if (again is not null) return;
            }
            if (_recent.Count > 2000) _recent.Clear();
            var created = await client.CreateAsync("events", Event(about.Key, root, type, reason, message, component, now), CancellationToken.None).ConfigureAwait(false);
            _recent[identity] = (created.Key, now);
        }
        catch (Exception failure)
        {
            LogLost(logger, reason, failure.Message);
        }
    }

    private JsonObject Event(ObjectKey key, JsonElement root, string type, string reason, string message, string component, DateTimeOffset now)
    {
        var space = key.Namespace.Length == 0 ? "default" : key.Namespace;
        var serial = Interlocked.Increment(ref _serial);
        return new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "Event",
            ["metadata"] = new JsonObject
            {
                ["name"] = string.Create(CultureInfo.InvariantCulture, $"{key.Name}.{now.UtcTicks + serial:x}"), ["namespace"] = space,
            },
            ["involvedObject"] = new JsonObject
            {
                ["kind"] = root.Text("kind"), ["namespace"] = key.Namespace.Length == 0 ? null : key.Namespace, ["name"] = key.Name, ["uid"] = root.Text("metadata", "uid"),
                ["apiVersion"] = root.Text("apiVersion"), ["resourceVersion"] = root.Text("metadata", "resourceVersion"),
            },
            ["reason"] = reason, ["message"] = message, ["type"] = type, ["source"] = new JsonObject { ["component"] = component },
            ["firstTimestamp"] = ObjectMetadata.Time(now), ["lastTimestamp"] = ObjectMetadata.Time(now), ["count"] = 1L, ["reportingComponent"] = component,
        };
    }

    [LoggerMessage(EventId = 40, Level = LogLevel.Debug, Message = "an event {Reason} was lost: {Why}")]
    private static partial void LogLost(ILogger logger, string reason, string why);
}
