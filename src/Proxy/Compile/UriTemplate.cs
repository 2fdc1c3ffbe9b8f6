using System.Text;
using System.Text.RegularExpressions;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Compile;

/// <summary>
/// Path templates as regular expressions: <c>*</c> and <c>{name}</c> are one segment, <c>**</c> and <c>{name=**}</c> the rest. Source:
/// envoy.extensions.path.match.uri_template.v3.
/// </summary>
internal static partial class UriTemplate
{
    public static Regex ToRegex(string template, string path)
    {
        var pattern = new StringBuilder();
        var last = 0;
        foreach (Match operand in Operand().Matches(template))
        {
            pattern.Append(Regex.Escape(template[last..operand.Index]));
            pattern.Append(operand.Value.Contains("**", StringComparison.Ordinal) ? ".*" : "[^/]+");
            last = operand.Index + operand.Length;
        }
        pattern.Append(Regex.Escape(template[last..]));
        return SafeRegex.Compile(pattern.ToString(), path);
    }

    [GeneratedRegex(@"\{[^}]*\}|\*\*|\*")]
    private static partial Regex Operand();
}
