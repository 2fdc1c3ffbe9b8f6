using Istio.Networking.V1Beta1;

namespace Lateen.Config.Validation.Networking;

/// <summary>ProxyConfig, the resource.</summary>
internal static class ProxyConfigRules
{
    public static void Validate(Check check)
    {
        var config = check.Object.As<ProxyConfig>();
        Selectors.Validate(check, FieldPath.Spec["selector"], config.Selector);
        if (config.Concurrency < 0) check.Error(FieldPath.Spec["concurrency"], "concurrency must be greater than or equal to 0");
    }
}
