using System.Text;
using System.Text.RegularExpressions;
using Lateen.Proxy.Buffers;

namespace Lateen.Proxy.Http.Routing;

/// <summary>Puts the variables of a matched path template together anew. Immutable. Source: envoy.extensions.path.rewrite.uri_template.v3.</summary>
internal sealed class TemplateRewrite(Regex match, (string Text, int Group)[] parts)
{
    public void Write(ReadOnlySpan<byte> path, ByteBuilder result)
    {
        var found = match.Match(Encoding.UTF8.GetString(path));
        foreach (var (text, group) in parts)
        {
            result.Append(text);
            if (group > 0) result.Append(found.Groups[group].Value);
        }
    }
}
