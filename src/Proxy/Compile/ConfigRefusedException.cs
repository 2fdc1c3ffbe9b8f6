namespace Lateen.Proxy.Compile;

/// <summary>
/// A resource cannot be honoured: what the message says becomes the error detail of a NACK, or the start-up error. Only used
/// while configuration is compiled.
/// </summary>
internal sealed class ConfigRefusedException(string path, string problem) : Exception($"{path}: {problem}")
{
    /// <summary>The field, from the resource's root.</summary>
    public string Path { get; } = path;
}
