using Google.Protobuf;
using Lateen.Api;
using Lateen.Foundation.Yaml;
using Lateen.Proxy.Compile;
using BootstrapConfig = Envoy.Config.Bootstrap.V3.Bootstrap;

namespace Lateen.Proxy.Bootstrap;

/// <summary>Reads Envoy's v3 bootstrap, YAML or JSON. A field that is not known is an error.</summary>
internal static class BootstrapReader
{
    /// <exception cref="ConfigRefusedException">The text is not a bootstrap; the message names the file and what is wrong.</exception>
    public static BootstrapConfig Read(string text, string file)
    {
        try
        {
            return AnyRegistry.Parser.Parse<BootstrapConfig>(YamlReader.ReadOne(text, file).ToJsonString());
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidJsonException or FormatException or InvalidOperationException)
        {
            throw new ConfigRefusedException(file, e.Message);
        }
    }
}
