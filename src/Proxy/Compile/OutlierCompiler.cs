using Lateen.Proxy.Upstream.Outliers;

namespace Lateen.Proxy.Compile;

/// <summary>OutlierDetection → settings. Pure; what is not supported is refused with its path.</summary>
internal static class OutlierCompiler
{
    public static OutlierSettings? Compile(Envoy.Config.Cluster.V3.OutlierDetection? config)
    {
        const string Path = "outlier_detection";
        if (config is null) return null;
        if (config.Monitors.Count > 0) throw new ConfigRefusedException(Path + ".monitors", "are not supported");
        var baseTime = Durations.Ms(config.BaseEjectionTime) ?? 30_000;
        var interval = Durations.Ms(config.Interval) ?? 10_000;
        if (interval <= 0) throw new ConfigRefusedException(Path + ".interval", "must be above 0");
        if (baseTime <= 0) throw new ConfigRefusedException(Path + ".base_ejection_time", "must be above 0");
        return new OutlierSettings
        {
            Consecutive5xx = (int)(config.Consecutive5Xx ?? 5),
            ConsecutiveGateway = (int)(config.ConsecutiveGatewayFailure ?? 5),
            ConsecutiveLocal = (int)(config.ConsecutiveLocalOriginFailure ?? 5),
            SplitLocal = config.SplitExternalLocalOriginErrors,
            Enforcing =
            [
                Percent(config.EnforcingConsecutive5Xx, 100, "enforcing_consecutive_5xx"),
                Percent(config.EnforcingConsecutiveGatewayFailure, 0, "enforcing_consecutive_gateway_failure"),
                Percent(config.EnforcingConsecutiveLocalOriginFailure, 100, "enforcing_consecutive_local_origin_failure"),
                Percent(config.EnforcingSuccessRate, 100, "enforcing_success_rate"),
                Percent(config.EnforcingLocalOriginSuccessRate, 100, "enforcing_local_origin_success_rate"),
                Percent(config.EnforcingFailurePercentage, 0, "enforcing_failure_percentage"),
                Percent(config.EnforcingFailurePercentageLocalOrigin, 0, "enforcing_failure_percentage_local_origin"),
            ],
            IntervalMs = interval,
            BaseEjectionMs = baseTime,
            MaxEjectionMs = Durations.Ms(config.MaxEjectionTime) ?? Math.Max(300_000, baseTime),
            JitterMs = Durations.Ms(config.MaxEjectionTimeJitter) ?? 0,
            MaxEjectionPercent = Percent(config.MaxEjectionPercent, 10, "max_ejection_percent"),
            AlwaysOne = config.AlwaysEjectOneHost ?? false,
            SuccessRateHosts = (int)(config.SuccessRateMinimumHosts ?? 5),
            SuccessRateVolume = (int)(config.SuccessRateRequestVolume ?? 100),
            SuccessRateFactor = (int)(config.SuccessRateStdevFactor ?? 1900),
            FailureThreshold = Percent(config.FailurePercentageThreshold, 85, "failure_percentage_threshold"),
            FailureHosts = (int)(config.FailurePercentageMinimumHosts ?? 5),
            FailureVolume = (int)(config.FailurePercentageRequestVolume ?? 50),
            UnejectOnCheck = config.SuccessfulActiveHealthCheckUnejectHost ?? true,
        };

        static int Percent(uint? given, int usual, string field) =>
            given is > 100 ? throw new ConfigRefusedException($"{Path}.{field}", "is more than 100") : (int)(given ?? (uint)usual);
    }
}
