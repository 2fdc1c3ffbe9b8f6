using System.Text;
using Envoy.Config.Core.V3;

namespace Lateen.Proxy.Filters.Http;

/// <summary>Sets and removes parameters of a path's query; the others keep their bytes and their order.</summary>
internal static class QueryChanges
{
    public static byte[] Apply(ReadOnlySpan<byte> target, IReadOnlyList<QueryParameter> set, IReadOnlyList<string> removed)
    {
        var text = Encoding.Latin1.GetString(target);
        var start = text.IndexOf('?', StringComparison.Ordinal);
        var parameters = start < 0 ? [] : text[(start + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries).ToList();
        foreach (var name in removed) parameters.RemoveAll(parameter => NameOf(parameter) == name);
        foreach (var parameter in set)
        {
            var at = parameters.FindIndex(other => NameOf(other) == parameter.Key);
            parameters.RemoveAll(other => NameOf(other) == parameter.Key);
            parameters.Insert(at < 0 ? parameters.Count : at, $"{Uri.EscapeDataString(parameter.Key)}={Uri.EscapeDataString(parameter.Value)}");
        }
        var path = start < 0 ? text : text[..start];
        return Encoding.Latin1.GetBytes(parameters.Count == 0 ? path : path + "?" + string.Join('&', parameters));
    }

    /// <summary>Puts a parameter behind the others.</summary>
    public static byte[] Add(ReadOnlySpan<byte> target, string key, string value)
    {
        var more = Encoding.ASCII.GetBytes($"{Uri.EscapeDataString(key)}={Uri.EscapeDataString(value)}");
        var start = target.IndexOf((byte)'?');
        return start < 0 ? [.. target, (byte)'?', .. more] : start == target.Length - 1 ? [.. target, .. more] : [.. target, (byte)'&', .. more];
    }

    private static string NameOf(string parameter) => Uri.UnescapeDataString(parameter.Split('=', 2)[0]);
}
