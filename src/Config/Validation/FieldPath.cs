using System.Text;

namespace Lateen.Config.Validation;

/// <summary>
/// A place inside an object, built by indexing (<c>spec["http"][0]["route"]</c>) and written out only when something is
/// wrong there. Immutable.
/// </summary>
internal sealed class FieldPath
{
    /// <summary>The object itself.</summary>
    public static readonly FieldPath Root = new(null, null, 0);

    /// <summary>The spec of an object.</summary>
    public static readonly FieldPath Spec = Root["spec"];

    private readonly FieldPath? _parent;
    private readonly string? _name;
    private readonly int _index;
    private readonly bool _isKey;

    private FieldPath(FieldPath? parent, string? name, int index, bool isKey = false) =>
        (_parent, _name, _index, _isKey) = (parent, name, index, isKey);

    /// <summary>A field, by its camelCase name.</summary>
    public FieldPath this[string name] => new(this, name, 0);

    /// <summary>An element of a list.</summary>
    public FieldPath this[int index] => new(this, null, index);

    /// <summary>An entry of a map.</summary>
    public FieldPath Key(string key) => new(this, key, 0, isKey: true);

    public override string ToString()
    {
        var text = new StringBuilder();
        Write(text);
        return text.ToString();
    }

    private void Write(StringBuilder text)
    {
        if (_parent is null) return;
        _parent.Write(text);
        if (_isKey) text.Append('[').Append(_name).Append(']');
        else if (_name is null) text.Append('[').Append(_index).Append(']');
        else (text.Length == 0 ? text : text.Append('.')).Append(_name);
    }
}
