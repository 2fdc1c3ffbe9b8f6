using Envoy.Config.Core.V3;

namespace Lateen.Proxy.Compile;

/// <summary>Something that a listener or cluster waits for before it serves: a route table, an extension, a secret. Any thread.</summary>
internal interface IDependency
{
    /// <summary>It has come, or nobody waits for it any more.</summary>
    bool IsThere { get; }

    /// <summary>How long it is waited for in milliseconds; 0 for as long as it takes.</summary>
    long PatienceMs { get; }
}

/// <summary>Where a resource that another one names comes from. Immutable. Source: envoy.config.core.v3.ConfigSource.</summary>
/// <param name="File">File that holds it; null when the control plane's stream brings it.</param>
/// <param name="Directory">Directory whose changes announce a new file; null for the file itself.</param>
/// <param name="PatienceMs">initial_fetch_timeout in milliseconds, 0 for none.</param>
internal sealed record ConfigOrigin(string? File, string? Directory, long PatienceMs)
{
    private const long DefaultPatienceMs = 15_000;

    public static readonly ConfigOrigin Stream = new(null, null, DefaultPatienceMs);

    /// <summary>What identifies a resource of this origin among all of its type.</summary>
    public string KeyOf(string name) => File is null ? name : $"{name}\n{File}";

    /// <exception cref="ConfigRefusedException">The source is of a kind that is not supported.</exception>
    public static ConfigOrigin Of(ConfigSource? source, string path)
    {
        if (source is null) throw new ConfigRefusedException(path, "is missing");
        if (source.Authorities.Count > 0) throw new ConfigRefusedException(path + ".authorities", "are not supported");
        var patience = Durations.Ms(source.InitialFetchTimeout) ?? DefaultPatienceMs;
        return source.ConfigSourceSpecifierCase switch
        {
            ConfigSource.ConfigSourceSpecifierOneofCase.Ads or ConfigSource.ConfigSourceSpecifierOneofCase.Self => new ConfigOrigin(null, null, patience),
            ConfigSource.ConfigSourceSpecifierOneofCase.PathConfigSource =>
                new ConfigOrigin(source.PathConfigSource.Path, source.PathConfigSource.WatchedDirectory?.Path is { Length: > 0 } directory ? directory : null, patience),
#pragma warning disable CS0612 // The older form is still written by hand.
            ConfigSource.ConfigSourceSpecifierOneofCase.Path => new ConfigOrigin(source.Path, null, patience),
#pragma warning restore CS0612
            ConfigSource.ConfigSourceSpecifierOneofCase.ApiConfigSource =>
                throw new ConfigRefusedException(path + ".api_config_source", "a stream for one kind of resource is not supported: use ads"),
            _ => throw new ConfigRefusedException(path, "names no source"),
        };
    }
}
