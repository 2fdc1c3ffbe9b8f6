using System.Globalization;
using System.Text;
using Lateen.Proxy.Compile;

namespace Lateen.Proxy.Expressions;

/// <summary>
/// Parses the Common Expression Language as far as Istio's telemetry uses it: literals, attributes, indexing, comparison,
/// logic, arithmetic, <c>in</c>, the conditional, and a few functions. Anything else is refused. Source: the CEL language
/// definition, section "Syntax".
/// </summary>
internal ref struct CelParser
{
    private const int DeepestNesting = 32;
    private readonly string _text;
    private readonly string _path;
    private int _at;
    private int _depth;

    private CelParser(string text, string path) => (_text, _path) = (text, path);

    /// <exception cref="ConfigRefusedException">It is no expression, or uses what is not supported.</exception>
    public static CelNode Parse(string text, string path)
    {
        var parser = new CelParser(text, path);
        var node = parser.Conditional();
        parser.Blanks();
        return parser._at == text.Length ? node : throw parser.Problem($"'{text[parser._at]}' is not expected");
    }

    private CelNode Conditional()
    {
        if (++_depth > DeepestNesting) throw Problem("it is nested too deeply");
        var condition = Or();
        if (Take("?"))
        {
            var then = Conditional();
            Expect(":");
            condition = new CelConditional(condition, then, Conditional());
        }
        _depth--;
        return condition;
    }

    private CelNode Or()
    {
        var left = And();
        while (Take("||")) left = new CelLogic(left, And(), isAnd: false);
        return left;
    }

    private CelNode And()
    {
        var left = Relation();
        while (Take("&&")) left = new CelLogic(left, Relation(), isAnd: true);
        return left;
    }

    private CelNode Relation()
    {
        var left = Sum();
        while (true)
        {
            if (TakeAny(["==", "!=", "<=", ">=", "<", ">"]) is { } sign) left = new CelCompare(sign, left, Sum());
            else if (TakeWord("in")) left = new CelIn(left, Sum());
            else return left;
        }
    }

    private CelNode Sum()
    {
        var left = Product();
        while (TakeAny(["+", "-"]) is { } sign) left = new CelArithmetic(sign[0], left, Product());
        return left;
    }

    private CelNode Product()
    {
        var left = Unary();
        while (TakeAny(["*", "/", "%"]) is { } sign) left = new CelArithmetic(sign[0], left, Unary());
        return left;
    }

    private CelNode Unary()
    {
        if (++_depth > DeepestNesting) throw Problem("it is nested too deeply");
        Blanks();
        CelNode node = _at + 1 < _text.Length && _text[_at] == '!' && _text[_at + 1] != '=' && Take("!") ? new CelNot(Unary())
            : Take("-") ? new CelArithmetic('-', new CelLiteral(CelValue.Of(0)), Unary())
            : Member();
        _depth--;
        return node;
    }

    private CelNode Member()
    {
        var node = Primary();
        while (true)
        {
            if (Take("."))
            {
                var name = Identifier();
                node = Take("(") ? CelCall.Create(name, [node, .. Arguments()]) ?? throw Problem($"the function {name} is not supported") : new CelSelect(node, new CelLiteral(CelValue.Of(name)));
            }
            else if (Take("["))
            {
                node = new CelSelect(node, Conditional());
                Expect("]");
            }
            else return node;
        }
    }

    private CelNode Primary()
    {
        Blanks();
        if (Take("("))
        {
            var inner = Conditional();
            Expect(")");
            return inner;
        }
        if (Take("[")) return new CelList([.. Until("]")]);
        if (_at < _text.Length && _text[_at] is '"' or '\'') return new CelLiteral(CelValue.Of(Text()));
        if (_at < _text.Length && char.IsAsciiDigit(_text[_at])) return new CelLiteral(Number());
        var name = Identifier();
        if (name == "has" && Take("("))
        {
            var arguments = Arguments();
            return arguments is [CelSelect select] ? new CelHas(select) : throw Problem("has() takes one field");
        }
        if (Take("(")) return CelCall.Create(name, [.. Arguments()]) ?? throw Problem($"the function {name} is not supported");
        return name switch
        {
            "true" => new CelLiteral(CelValue.Of(true)),
            "false" => new CelLiteral(CelValue.Of(false)),
            "null" => new CelLiteral(CelValue.Null),
            _ => CelAttribute.Create(name) ?? throw Problem($"the attribute {name} is not known"),
        };
    }

    private List<CelNode> Arguments() => Until(")");

    private List<CelNode> Until(string end)
    {
        var items = new List<CelNode>();
        while (!Take(end))
        {
            if (items.Count > 0) Expect(",");
            items.Add(Conditional());
        }
        return items;
    }

    private string Identifier()
    {
        Blanks();
        var from = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] == '_')) _at++;
        return _at > from ? _text[from.._at] : throw Problem("a name is missing");
    }

    private CelValue Number()
    {
        var from = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] == '.')) _at++;
        var digits = _text[from.._at];
        if (long.TryParse(digits.TrimEnd('u'), NumberStyles.None, CultureInfo.InvariantCulture, out var whole)) return CelValue.Of(whole);
        return double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) ? CelValue.Of(real) : throw Problem($"'{digits}' is not a number");
    }

    private string Text()
    {
        var quote = _text[_at++];
        var value = new StringBuilder();
        while (_at < _text.Length && _text[_at] != quote)
        {
            var c = _text[_at++];
            if (c == '\\' && _at < _text.Length)
                c = _text[_at++] switch
                {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    var other when other is '\\' or '"' or '\'' => other,
                    var other => throw Problem($"the escape \\{other} is not supported"),
                };
            value.Append(c);
        }
        if (_at == _text.Length) throw Problem("a text is not closed");
        _at++;
        return value.ToString();
    }

    private string? TakeAny(scoped ReadOnlySpan<string> signs)
    {
        foreach (var sign in signs)
            if (Take(sign))
                return sign;
        return null;
    }

    private bool TakeWord(string word)
    {
        Blanks();
        var end = _at + word.Length;
        if (!_text.AsSpan(_at).StartsWith(word, StringComparison.Ordinal) || end < _text.Length && (char.IsAsciiLetterOrDigit(_text[end]) || _text[end] == '_')) return false;
        _at = end;
        return true;
    }

    private bool Take(string sign)
    {
        Blanks();
        if (!_text.AsSpan(_at).StartsWith(sign, StringComparison.Ordinal)) return false;
        _at += sign.Length;
        return true;
    }

    private void Expect(string sign)
    {
        if (!Take(sign)) throw Problem($"'{sign}' is missing");
    }

    private void Blanks()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at])) _at++;
    }

    private readonly ConfigRefusedException Problem(string problem) => new(_path, $"at position {_at} of \"{_text}\": {problem}");
}
