using System.Text;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>Replaces <c>$(NAME)</c> in commands and values, as k8s.io/kubernetes/third_party/forked/golang/expansion does.</summary>
internal static class VariableExpansion
{
    /// <summary>Expands a text; an unknown name stays as it is written, and <c>$$</c> is one dollar sign.</summary>
    public static string Expand(string text, IReadOnlyDictionary<string, string> variables)
    {
        if (!text.Contains('$')) return text;
        var expanded = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                expanded.Append(text[i]);
                continue;
            }
            var end = text[i + 1] == '(' ? text.IndexOf(')', i) : -1;
            if (end > 0)
            {
                var name = text[(i + 2)..end];
                expanded.Append(variables.TryGetValue(name, out var value) ? value : text[i..(end + 1)]);
                i = end;
            }
            else if (text[i + 1] == '$')
            {
                expanded.Append('$');
                i++;
            }
            else expanded.Append('$');
        }
        return expanded.ToString();
    }
}
