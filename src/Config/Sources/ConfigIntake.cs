using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Lateen.Config.Kinds;
using Lateen.Config.Stores;
using Lateen.Config.Validation;
using Lateen.Foundation.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lateen.Config.Sources;

/// <summary>An item that was refused, and why. Immutable.</summary>
/// <param name="Source">The file with its line, or the API server.</param>
/// <param name="Name"><c>Kind/namespace/name</c>.</param>
/// <param name="Problems">What is wrong with it.</param>
public sealed record RejectedItem(string Source, string Name, IReadOnlyList<FieldProblem> Problems);

/// <summary>
/// The gate between sources and the store: reads and validates each item alone, lets the good ones in, and reports the
/// bad ones while the last good state of the same object stays. Any thread.
/// </summary>
public sealed class ConfigIntake
{
    private readonly ConcurrentDictionary<(ConfigKind Kind, string Namespace, string Name), RejectedItem> _rejected = new();
    private readonly ConfigStore _store;
    private readonly ILogger _logger;
    private readonly MetricFamily<Counter>? _rejections;

    /// <summary>A gate into a store.</summary>
    /// <param name="store">Where good items go.</param>
    /// <param name="logger">Where refusals are told; none by default.</param>
    /// <param name="metrics">Where they are counted, as <c>pilot_total_rejected_configs</c>; none by default.</param>
    public ConfigIntake(ConfigStore store, ILogger? logger = null, MetricRegistry? metrics = null)
    {
        _store = store;
        _logger = logger ?? NullLogger.Instance;
        _rejections = metrics?.Counter("pilot_total_rejected_configs", "Total number of configs that Pilot had to reject or ignore.", "type", "name");
    }

    /// <summary>What is refused at present.</summary>
    public IReadOnlyCollection<RejectedItem> Rejected => [.. _rejected.Values];

    /// <summary>
    /// Reads, validates and stores one item. The answer is the identity of the object, also of a refused one; null for
    /// what is not Istio's configuration.
    /// </summary>
    public (ConfigKind Kind, string Namespace, string Name)? Offer(JsonObject json, string source, string defaultNamespace = "default")
    {
        var read = ConfigReader.Read(json, source, UnknownFields.Ignore);
        if (read.Kind is not { Role: not KindRole.Foreign } kind) return null;
        var metadata = json["metadata"] as JsonObject;
        var ns = !kind.Namespaced ? "" : Text(metadata, "namespace") is { Length: > 0 } given ? given : defaultNamespace;
        var identity = (kind, ns, Text(metadata, "name"));
        var problems = read.Errors;
        if (read.Object is { } item)
        {
            if (item.Namespace != ns) item = WithNamespace(item, ns);
            var verdict = ConfigValidator.ValidateStored(item);
            if (verdict.IsValid)
            {
                _rejected.TryRemove(identity, out _);
                _store.Put(item);
                foreach (var warning in read.Warnings) SourcesLog.Warned(_logger, item.ToString(), source, warning.ToString());
                return identity;
            }
            problems = verdict.Errors;
        }
        var rejected = new RejectedItem(source, $"{kind.Kind}/{ns}/{identity.Item3}", problems);
        _rejected[identity] = rejected;
        _rejections?.With(kind.Kind, $"{ns}/{identity.Item3}").Increment();
        foreach (var problem in problems) SourcesLog.Rejected(_logger, rejected.Name, source, problem.ToString());
        return identity;
    }

    /// <summary>The object is gone from its source.</summary>
    public void Withdraw(ConfigKind kind, string ns, string name)
    {
        _rejected.TryRemove((kind, ns, name), out _);
        _store.Remove(kind, ns, name);
    }

    private static string Text(JsonObject? tree, string name) => tree?[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    private static ConfigObject WithNamespace(ConfigObject item, string ns) => new()
    {
        Kind = item.Kind,
        ApiVersion = item.ApiVersion,
        Namespace = ns,
        Name = item.Name,
        Labels = item.Labels,
        Annotations = item.Annotations,
        CreationTimestamp = item.CreationTimestamp,
        ResourceVersion = item.ResourceVersion,
        Generation = item.Generation,
        Spec = item.Spec,
        Source = item.Source,
        EmptyMaps = item.EmptyMaps,
    };
}
