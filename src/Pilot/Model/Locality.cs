namespace Lateen.Pilot.Model;

/// <summary>Where a workload runs: region, zone and sub-zone, outermost first; unknown parts are empty. Immutable.</summary>
internal readonly record struct Locality(string Region, string Zone, string SubZone)
{
    public static readonly Locality None = new("", "", "");

    public bool IsEmpty => Region.Length == 0 && Zone.Length == 0 && SubZone.Length == 0;

    /// <summary>Reads <c>region/zone/subzone</c>; the label form has dots instead of slashes.</summary>
    public static Locality Parse(string? text)
    {
        if (string.IsNullOrEmpty(text)) return None;
        if (!text.Contains('/')) text = text.Replace('.', '/');
        var parts = text.Split('/', 3);
        return new(parts[0], parts.Length > 1 ? parts[1] : "", parts.Length > 2 ? parts[2] : "");
    }

    /// <summary>Whether a rule such as <c>region1/zone1/*</c> covers this locality; parts that the rule leaves out match any.</summary>
    public bool Matches(string rule)
    {
        var wanted = rule.Split('/', 3);
        return (wanted[0] == "*" || wanted[0] == Region)
            && (wanted.Length < 2 || wanted[1] is "" or "*" || wanted[1] == Zone)
            && (wanted.Length < 3 || wanted[2] is "" or "*" || wanted[2] == SubZone);
    }

    public override string ToString() =>
        SubZone.Length > 0 ? $"{Region}/{Zone}/{SubZone}" : Zone.Length > 0 ? $"{Region}/{Zone}" : Region;
}
