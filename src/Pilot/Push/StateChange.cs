namespace Lateen.Pilot.Push;

/// <summary>
/// One object of a source appeared, changed or (<see cref="Value"/> null) went. <see cref="Kind"/> separates the sources'
/// kinds; the newest change of an object replaces earlier ones that nobody has looked at.
/// </summary>
internal readonly record struct StateChange(string Kind, string Namespace, string Name, object? Value)
{
    public (string Kind, string Namespace, string Name) Key => (Kind, Namespace, Name);
}
