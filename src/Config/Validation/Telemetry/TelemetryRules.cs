using Istio.Telemetry.V1Alpha1;
using static Istio.Telemetry.V1Alpha1.Tracing.Types;

namespace Lateen.Config.Validation.Telemetry;

/// <summary>Telemetry: providers, sampling, tags and filters.</summary>
internal static class TelemetryRules
{
    public static void Validate(Check check)
    {
        var telemetry = check.Object.As<Istio.Telemetry.V1Alpha1.Telemetry>();
        var spec = FieldPath.Spec;
        Selectors.Validate(check, telemetry.Selector, telemetry.TargetRef, telemetry.TargetRefs);
        for (var i = 0; i < telemetry.Metrics.Count; i++) Metrics(check, spec["metrics"][i], telemetry.Metrics[i]);
        if (telemetry.Tracing.Count > 1) check.Warn(spec["tracing"], "multiple tracing is not currently supported");
        for (var i = 0; i < telemetry.Tracing.Count; i++) Trace(check, spec["tracing"][i], telemetry.Tracing[i]);
        for (var i = 0; i < telemetry.AccessLogging.Count; i++)
        {
            var (logging, at) = (telemetry.AccessLogging[i], spec["accessLogging"][i]);
            if (logging.Filter is { } filter && CelSyntax.Check(filter.Expression) is { } problem)
                check.Error(at["filter"]["expression"], $"must be a valid CEL expression, {problem}");
            Providers(check, at["providers"], logging.Providers);
        }
    }

    private static void Trace(Check check, FieldPath at, Tracing tracing)
    {
        if (tracing.Providers.Count > 1) check.Warn(at["providers"], "multiple providers is not currently supported");
        Providers(check, at["providers"], tracing.Providers);
        if (tracing.RandomSamplingPercentage is < 0 or > 100) check.Error(at["randomSamplingPercentage"], "randomSamplingPercentage must be in range [0.0, 100.0]");
        foreach (var (name, tag) in tracing.CustomTags)
        {
            var path = at["customTags"].Key(name);
            if (name.Length == 0) check.Error(path, "tag name may not be empty");
            switch (tag.TypeCase)
            {
                case CustomTag.TypeOneofCase.Literal when tag.Literal.Value.Length == 0:
                    check.Error(path["literal"]["value"], "literal tag value may not be empty");
                    break;
                case CustomTag.TypeOneofCase.Header when tag.Header.Name.Length == 0:
                    check.Error(path["header"]["name"], "header tag name may not be empty");
                    break;
                case CustomTag.TypeOneofCase.Environment when tag.Environment.Name.Length == 0:
                    check.Error(path["environment"]["name"], "environment tag name may not be empty");
                    break;
            }
        }
    }

    private static void Metrics(Check check, FieldPath at, Metrics metrics)
    {
        Providers(check, at["providers"], metrics.Providers);
        for (var i = 0; i < metrics.Overrides.Count; i++)
        {
            var (override_, path) = (metrics.Overrides[i], at["overrides"][i]);
            foreach (var (name, tag) in override_.TagOverrides)
            {
                var tagPath = path["tagOverrides"].Key(name);
                if (name.Length == 0) check.Warn(tagPath, "tagOverrides.name may not be empty");
                if (tag.Operation == MetricsOverrides.Types.TagOverride.Types.Operation.Upsert && tag.Value.Length == 0)
                    check.Error(tagPath["value"], "tagOverrides.value must be set when operation is UPSERT");
                if (tag.Operation == MetricsOverrides.Types.TagOverride.Types.Operation.Remove && tag.Value.Length > 0)
                    check.Error(tagPath["value"], "tagOverrides.value may only be set when operation is UPSERT");
            }
            if (override_.Match is { MetricMatchCase: MetricSelector.MetricMatchOneofCase.CustomMetric, CustomMetric.Length: 0 })
                check.Error(path["match"]["customMetric"], "customMetric may not be empty");
        }
    }

    private static void Providers(Check check, FieldPath at, IList<ProviderRef> providers)
    {
        for (var i = 0; i < providers.Count; i++)
            if (providers[i].Name.Length == 0)
                check.Error(at[i]["name"], "providers.name may not be empty");
    }
}
