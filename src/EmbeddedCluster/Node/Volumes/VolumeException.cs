namespace Lateen.EmbeddedCluster.Node.Volumes;

/// <summary>A volume cannot be set up yet; the message says what is missing. It is tried again.</summary>
internal sealed class VolumeException(string message) : Exception(message);
