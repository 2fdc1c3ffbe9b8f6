using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking;

/// <summary>Which locality setting counts for a destination: the rule's, else the mesh's, which is on without failovers.</summary>
internal static class LocalityBalancing
{
    private static readonly LocalityLoadBalancerSetting Default = new();

    /// <summary>Null when traffic is not to mind localities.</summary>
    public static LocalityLoadBalancerSetting? Effective(LoadBalancerSettings? settings, MeshSettings mesh)
    {
        var setting = settings?.LocalityLbSetting ?? mesh.Config.LocalityLbSetting ?? Default;
        return setting.Enabled == false ? null : setting;
    }
}
