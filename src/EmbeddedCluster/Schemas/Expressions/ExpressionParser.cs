namespace Lateen.EmbeddedCluster.Schemas.Expressions;

/// <summary>Builds the tree of an expression. Used once.</summary>
internal sealed class ExpressionParser
{
    private const int MaxDepth = 200;

    private static readonly string[] Macros = ["all", "exists", "exists_one", "existsOne", "filter", "map"];

    private readonly List<Token> _tokens;
    private int _at;
    private int _depth;

    private ExpressionParser(string text) => _tokens = ExpressionLexer.Read(text);

    /// <exception cref="ExpressionSyntaxException">The text is no expression, or uses what is not supported.</exception>
    public static Expression Parse(string text)
    {
        var parser = new ExpressionParser(text);
        var result = parser.Ternary();
        if (parser.Current.Kind != TokenKind.End) throw new ExpressionSyntaxException($"unexpected '{parser.Current.Text}'");
        return result;
    }

    private Token Current => _tokens[_at];

    private Expression Ternary()
    {
        if (++_depth > MaxDepth) throw new ExpressionSyntaxException("nested too deeply");
        var condition = Or();
        if (Take("?"))
        {
            var yes = Ternary();
            Need(":");
            condition = new ConditionalExpression(condition, yes, Ternary());
        }
        _depth--;
        return condition;
    }

    private Expression Or()
    {
        var left = And();
        while (Take("||")) left = new LogicExpression(left, And(), any: true);
        return left;
    }

    private Expression And()
    {
        var left = Relation();
        while (Take("&&")) left = new LogicExpression(left, Relation(), any: false);
        return left;
    }

    private Expression Relation()
    {
        var left = Sum();
        while (true)
        {
            var sign = Current.Kind == TokenKind.Sign && Current.Text is "==" or "!=" or "<" or "<=" or ">" or ">=" ? Current.Text
                : Current is { Kind: TokenKind.Identifier, Text: "in" } ? "in" : null;
            if (sign is null) return left;
            _at++;
            left = new BinaryExpression(sign, left, Sum());
        }
    }

    private Expression Sum()
    {
        var left = Product();
        while (Current.Kind == TokenKind.Sign && Current.Text is "+" or "-") left = new BinaryExpression(_tokens[_at++].Text, left, Product());
        return left;
    }

    private Expression Product()
    {
        var left = Unary();
        while (Current.Kind == TokenKind.Sign && Current.Text is "*" or "/" or "%") left = new BinaryExpression(_tokens[_at++].Text, left, Unary());
        return left;
    }

    private Expression Unary()
    {
        if (++_depth > MaxDepth) throw new ExpressionSyntaxException("nested too deeply");
        var result = Take("!") ? new NotExpression(Unary()) : Take("-") ? new NegativeExpression(Unary()) : Member();
        _depth--;
        return result;
    }

    private Expression Member()
    {
        var value = Primary();
        while (true)
        {
            if (Take("."))
            {
                if (Take("?")) throw new ExpressionSyntaxException("optional values are not supported");
                var name = Identifier();
                value = Take("(") ? Method(value, name) : new FieldExpression(value, ExpressionNames.Unescape(name));
            }
            else if (Take("["))
            {
                if (Take("?")) throw new ExpressionSyntaxException("optional values are not supported");
                value = new IndexExpression(value, Ternary());
                Need("]");
            }
            else
            {
                return value;
            }
        }
    }

    private Expression Method(Expression target, string name)
    {
        var arguments = Arguments();
        if (Macros.Contains(name) && arguments.Count is 2 or 3 && arguments[0] is NameExpression variable)
        {
            if (arguments.Count == 3 && name != "map") throw new ExpressionSyntaxException($"{name} with two variables is not supported");
            return new MacroExpression(name, target, variable.Name, arguments.Count == 3 ? arguments[1] : null, arguments[^1]);
        }
        if (!ExpressionFunctions.Methods.Contains(name)) throw new ExpressionSyntaxException($"undeclared function '{name}'");
        return new CallExpression(name, [target, .. arguments], method: true);
    }

    private Expression Primary()
    {
        var token = Current;
        _at++;
        switch (token.Kind)
        {
            case TokenKind.Int or TokenKind.Double or TokenKind.Text: return new ConstantExpression(token.Value);
            case TokenKind.Identifier: return Named(token.Text);
            case TokenKind.Sign when token.Text == "(":
                var inner = Ternary();
                Need(")");
                return inner;
            case TokenKind.Sign when token.Text == "[":
                var items = new List<Expression>();
                while (!Take("]"))
                {
                    items.Add(Ternary());
                    if (!Take(",") && Current.Text != "]") throw new ExpressionSyntaxException("expected ',' or ']'");
                }
                return new ListExpression([.. items]);
            case TokenKind.Sign when token.Text == "{": return Map();
            case TokenKind.Sign when token.Text == ".": return Primary();
            default: throw new ExpressionSyntaxException(token.Kind == TokenKind.End ? "unexpected end" : $"unexpected '{token.Text}'");
        }
    }

    private Expression Map()
    {
        var entries = new List<(Expression, Expression)>();
        while (!Take("}"))
        {
            var key = Ternary();
            Need(":");
            entries.Add((key, Ternary()));
            if (!Take(",") && Current.Text != "}") throw new ExpressionSyntaxException("expected ',' or '}'");
        }
        return new MapExpression([.. entries]);
    }

    private Expression Named(string name)
    {
        switch (name)
        {
            case "true": return new ConstantExpression(true);
            case "false": return new ConstantExpression(false);
            case "null": return new ConstantExpression(null);
        }
        if (!Take("(")) return new NameExpression(name);
        var arguments = Arguments();
        if (name == "has")
            return arguments is [FieldExpression field] ? new PresenceExpression(field) : throw new ExpressionSyntaxException("has() takes a field");
        if (!ExpressionFunctions.Globals.Contains(name)) throw new ExpressionSyntaxException($"undeclared function '{name}'");
        return new CallExpression(name, [.. arguments], method: false);
    }

    private List<Expression> Arguments()
    {
        var arguments = new List<Expression>();
        while (!Take(")"))
        {
            arguments.Add(Ternary());
            if (!Take(",") && Current.Text != ")") throw new ExpressionSyntaxException("expected ',' or ')'");
        }
        return arguments;
    }

    private string Identifier()
    {
        if (Current.Kind != TokenKind.Identifier) throw new ExpressionSyntaxException("expected a name after '.'");
        return _tokens[_at++].Text;
    }

    private bool Take(string sign)
    {
        if (Current.Kind != TokenKind.Sign || Current.Text != sign) return false;
        _at++;
        return true;
    }

    private void Need(string sign)
    {
        if (!Take(sign)) throw new ExpressionSyntaxException($"expected '{sign}'");
    }
}
