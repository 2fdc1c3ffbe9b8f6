using System.Globalization;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Proxy.Expressions;

/// <summary>What an expression can be.</summary>
internal enum CelKind
{
    /// <summary>There is no such attribute, or the operation makes no sense for its operands.</summary>
    Error,
    Null,
    Bool,
    Int,
    Double,
    Text,
    List,
    Map,
}

/// <summary>A value of an expression. Immutable.</summary>
internal readonly record struct CelValue(CelKind Kind, long Int = 0, double Double = 0, object? Object = null)
{
    public static readonly CelValue Error = default;
    public static readonly CelValue Null = new(CelKind.Null);

    public static CelValue Of(bool value) => new(CelKind.Bool, value ? 1 : 0);

    public static CelValue Of(long value) => new(CelKind.Int, value);

    public static CelValue Of(double value) => new(CelKind.Double, 0, value);

    public static CelValue Of(string value) => new(CelKind.Text, Object: value);

    public static CelValue Of(IReadOnlyList<CelValue> items) => new(CelKind.List, Object: items);

    /// <summary>A map whose entries are looked up when they are asked for.</summary>
    public static CelValue Of(Func<string, CelValue> find) => new(CelKind.Map, Object: find);

    public static CelValue Of(Value value) => value.KindCase switch
    {
        Value.KindOneofCase.BoolValue => Of(value.BoolValue),
        Value.KindOneofCase.NumberValue => Of(value.NumberValue),
        Value.KindOneofCase.StringValue => Of(value.StringValue),
        Value.KindOneofCase.ListValue => Of([.. value.ListValue.Values.Select(item => Of(item))]),
        Value.KindOneofCase.StructValue => Of(value.StructValue),
        _ => Null,
    };

    public static CelValue Of(Struct? value) => value is null ? Error : Of(key => value.Fields.TryGetValue(key, out var field) ? Of(field) : Error);

    public bool IsTrue => Kind == CelKind.Bool && Int != 0;

    public bool IsNumber => Kind is CelKind.Int or CelKind.Double;

    public double Number => Kind == CelKind.Int ? Int : Double;

    public string AsText => (string)Object!;

    public IReadOnlyList<CelValue> Items => (IReadOnlyList<CelValue>)Object!;

    /// <summary>The entry of a map, the item of a list.</summary>
    public CelValue Select(CelValue key) => (Kind, key.Kind) switch
    {
        (CelKind.Map, CelKind.Text) => ((Func<string, CelValue>)Object!)(key.AsText),
        (CelKind.List, CelKind.Int) when key.Int >= 0 && key.Int < Items.Count => Items[(int)key.Int],
        _ => Error,
    };

    public bool IsSame(CelValue other) => (Kind, other.Kind) switch
    {
        (CelKind.Text, CelKind.Text) => AsText == other.AsText,
        (CelKind.List, CelKind.List) => Items.Count == other.Items.Count && Items.Zip(other.Items).All(pair => pair.First.IsSame(pair.Second)),
        _ when IsNumber && other.IsNumber => Number == other.Number,
        _ => Kind == other.Kind && Int == other.Int,
    };

    /// <summary>The value as a label or a log shows it; null for none.</summary>
    public string? Print() => Kind switch
    {
        CelKind.Bool => Int != 0 ? "true" : "false",
        CelKind.Int => Int.ToString(CultureInfo.InvariantCulture),
        CelKind.Double => Double.ToString("R", CultureInfo.InvariantCulture),
        CelKind.Text => AsText,
        _ => null,
    };
}
