namespace Lateen.Pilot.Networking.Security;

/// <summary>
/// One attribute of a rule with the values that it may and may not have, of which conditions of a kind are made: permissions, or
/// principals. Immutable.
/// </summary>
/// <param name="Values">One of these, if there are any.</param>
/// <param name="NotValues">None of these.</param>
/// <param name="Convert">The condition for a value; null where the attribute does not exist, as those of requests on a TCP connection.</param>
internal sealed record RuleAttribute<T>(IReadOnlyList<string> Values, IReadOnlyList<string> NotValues, Func<string, T?> Convert) where T : class
{
    /// <summary>Whether a single value stands by itself, and not as the only part of an alternative.</summary>
    public bool IsBareWhenSingle { get; init; }

    public bool IsEmpty => Values.Count == 0 && NotValues.Count == 0;

    /// <summary>
    /// Adds the attribute's conditions. False when one cannot be made and <paramref name="isStrict"/>: then the whole rule falls away, so that
    /// less is allowed. Else what cannot be made is left out: more is denied (pilot/pkg/security/authz/model/model.go#checkError).
    /// </summary>
    public bool TryAdd(List<T> conditions, bool isStrict, Func<List<T>, T> any, Func<T, T> not)
    {
        if (!TryConvert(Values, isStrict, out var values) || !TryConvert(NotValues, isStrict, out var others)) return false;
        if (values.Count > 0) conditions.Add(Join(values));
        if (others.Count > 0) conditions.Add(not(Join(others)));
        return true;

        T Join(List<T> all) => IsBareWhenSingle && all.Count == 1 ? all[0] : any(all);
    }

    private bool TryConvert(IReadOnlyList<string> values, bool isStrict, out List<T> converted)
    {
        converted = [];
        foreach (var value in values)
            if (Convert(value) is { } condition) converted.Add(condition);
            else if (isStrict) return false;
        return true;
    }
}
