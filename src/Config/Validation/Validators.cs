using System.Collections.Frozen;
using Lateen.Config.Kinds;
using Lateen.Config.Validation.Extensions;
using Lateen.Config.Validation.Networking;
using Lateen.Config.Validation.Original;
using Lateen.Config.Validation.Security;
using Lateen.Config.Validation.Telemetry;

namespace Lateen.Config.Validation;

/// <summary>Which validator judges which kind: one line each.</summary>
internal static class Validators
{
    private static readonly FrozenDictionary<ConfigKind, Action<Check>> All = new Dictionary<ConfigKind, Action<Check>>
    {
        [ConfigKinds.VirtualService] = VirtualServiceRules.Validate,
        [ConfigKinds.DestinationRule] = DestinationRuleRules.Validate,
        [ConfigKinds.Gateway] = GatewayRules.Validate,
        [ConfigKinds.ServiceEntry] = ServiceEntryRules.Validate,
        [ConfigKinds.Sidecar] = SidecarRules.Validate,
        [ConfigKinds.WorkloadEntry] = WorkloadRules.ValidateEntry,
        [ConfigKinds.WorkloadGroup] = WorkloadRules.ValidateGroup,
        [ConfigKinds.EnvoyFilter] = EnvoyFilterRules.Validate,
        [ConfigKinds.ProxyConfig] = ProxyConfigRules.Validate,
        [ConfigKinds.AuthorizationPolicy] = AuthorizationPolicyRules.Validate,
        [ConfigKinds.PeerAuthentication] = AuthenticationRules.ValidatePeer,
        [ConfigKinds.RequestAuthentication] = AuthenticationRules.ValidateRequest,
        [ConfigKinds.Telemetry] = TelemetryRules.Validate,
        [ConfigKinds.WasmPlugin] = ExtensionRules.ValidateWasmPlugin,
        [ConfigKinds.TrafficExtension] = ExtensionRules.ValidateTrafficExtension,
        [ConfigKinds.AuthenticationPolicy] = AuthenticationPolicyRules.Validate,
        [ConfigKinds.MeshPolicy] = AuthenticationPolicyRules.Validate,
        [ConfigKinds.ServiceRole] = AccessControlRules.ValidateRole,
        [ConfigKinds.ServiceRoleBinding] = AccessControlRules.ValidateBinding,
        [ConfigKinds.RbacConfig] = AccessControlRules.ValidateConfig,
        [ConfigKinds.ClusterRbacConfig] = AccessControlRules.ValidateConfig,
        [ConfigKinds.HttpApiSpec] = ApiRules.ValidateApi,
        [ConfigKinds.HttpApiSpecBinding] = ApiRules.ValidateApiBinding,
        [ConfigKinds.QuotaSpec] = ApiRules.ValidateQuota,
        [ConfigKinds.QuotaSpecBinding] = ApiRules.ValidateQuotaBinding,
    }.ToFrozenDictionary();

    public static Action<Check>? Find(ConfigKind kind) => All.GetValueOrDefault(kind);
}
