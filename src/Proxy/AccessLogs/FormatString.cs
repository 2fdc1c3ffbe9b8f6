using System.Globalization;
using System.Text;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.AccessLogs;

/// <summary>What an operator may ask for.</summary>
internal readonly ref struct FormatContext(StreamInfo info, HeaderMap request, HeaderMap response, HeaderMap? requestTrailers = null, HeaderMap? responseTrailers = null)
{
    public StreamInfo Info { get; } = info;

    public HeaderMap Request { get; } = request;

    public HeaderMap Response { get; } = response;

    /// <summary>Null when there are none.</summary>
    public HeaderMap? RequestTrailers { get; } = requestTrailers;

    /// <summary>Null when there are none.</summary>
    public HeaderMap? ResponseTrailers { get; } = responseTrailers;
}

/// <summary>
/// A text with <c>%OPERATOR(argument):length%</c> in it, compiled. Writing allocates nothing. Immutable. Source: Envoy's
/// "Access logging", command operators.
/// </summary>
internal sealed class FormatString
{
    private readonly Part[] _parts;

    private FormatString(Part[] parts) => _parts = parts;

    /// <summary>Writes one operator; false when there is no value, for which a dash or nothing is written.</summary>
    internal delegate bool Operator(ByteBuilder output, in FormatContext context);

    private readonly record struct Part(byte[]? Literal, Operator? Write, int MaxLength, bool IsNumber);

    /// <summary>Nothing in it depends on the request.</summary>
    public bool IsLiteral => _parts.All(part => part.Literal is not null);

    /// <summary>It is one operator that gives a number: JSON writes it bare.</summary>
    public bool IsNumber => _parts is [{ IsNumber: true }];

    /// <summary>Compiles a text.</summary>
    /// <exception cref="ConfigRefusedException">An operator is not known or not closed.</exception>
    public static FormatString Compile(string text, string path)
    {
        var parts = new List<Part>();
        var literal = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                literal.Append(text[i]);
                continue;
            }
            if (i + 1 < text.Length && text[i + 1] == '%')
            {
                literal.Append('%');
                i++;
                continue;
            }
            var end = EndOfOperator(text, i + 1);
            if (end < 0) throw new ConfigRefusedException(path, $"the operator at position {i} of \"{text}\" is not closed");
            if (literal.Length > 0) parts.Add(new Part(Encoding.UTF8.GetBytes(literal.ToString()), null, 0, false));
            literal.Clear();
            parts.Add(CompileOperator(text[(i + 1)..end], path));
            i = end;
        }
        if (literal.Length > 0) parts.Add(new Part(Encoding.UTF8.GetBytes(literal.ToString()), null, 0, false));
        return new FormatString([.. parts]);
    }

    /// <summary>Writes the text; what has no value is <paramref name="missing"/>.</summary>
    public void Write(ByteBuilder output, in FormatContext context, ReadOnlySpan<byte> missing)
    {
        foreach (ref readonly var part in _parts.AsSpan())
        {
            if (part.Literal is { } literal)
            {
                output.Append(literal);
                continue;
            }
            var before = output.Length;
            if (!part.Write!(output, context)) output.Append(missing);
            else if (part.MaxLength > 0 && output.Length - before > part.MaxLength) output.Truncate(before + part.MaxLength);
        }
    }

    private static int EndOfOperator(string text, int from)
    {
        var depth = 0;
        for (var i = from; i < text.Length; i++)
            switch (text[i])
            {
                case '(':
                    depth++;
                    break;
                case ')':
                    depth--;
                    break;
                case '%' when depth <= 0:
                    return i;
            }
        return -1;
    }

    private static Part CompileOperator(string text, string path)
    {
        var maxLength = 0;
        var open = text.IndexOf('(', StringComparison.Ordinal);
        var close = text.LastIndexOf(')');
        var tail = text.IndexOf(':', Math.Max(0, close));
        if (tail > 0 && int.TryParse(text.AsSpan(tail + 1), NumberStyles.None, CultureInfo.InvariantCulture, out maxLength)) text = text[..tail];
        var name = open < 0 ? text : text[..open];
        var argument = open >= 0 && close > open ? text[(open + 1)..close] : "";
        FormatOperators.Check(name, argument, path);
        var (write, isNumber) = FormatOperators.Find(name, argument, path);
        return write is null ? throw new ConfigRefusedException(path, $"the operator %{text}% is not known") : new Part(null, write, maxLength, isNumber);
    }
}
