using Envoy.Extensions.Filters.Http.Compressor.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Filters.Http.Compression;

/// <summary>Which messages of one direction are compressed. Immutable.</summary>
internal sealed record CompressedDirection(bool IsOn, long MinBytes, HashSet<string> Types, CompressionStats Stats)
{
    private const long DefaultMinBytes = 30;

    /// <summary>Source: Envoy's compressor filter, content_type, and the synonyms in compressor_filter.cc.</summary>
    private static readonly string[] UsualTypes =
    [
        "text/html", "text/plain", "text/css", "application/javascript", "application/x-javascript", "text/javascript", "text/x-javascript", "text/ecmascript", "text/js", "text/jscript",
        "text/x-js", "application/ecmascript", "application/x-json", "application/xml", "application/json", "image/svg+xml", "text/xml", "application/xhtml+xml",
    ];

    public static CompressedDirection Of(bool? isOn, long? minBytes, IReadOnlyCollection<string> types, bool usually, CompressionStats stats) =>
        new(isOn ?? usually, minBytes ?? DefaultMinBytes, (types.Count > 0 ? types : UsualTypes).ToHashSet(StringComparer.OrdinalIgnoreCase), stats);
}

/// <summary>A compressor filter, compiled. Immutable.</summary>
internal sealed record CompressorSettings(CompressorLibrary Library, CompressedDirection Request, CompressedDirection Response, CompressionStats Accepting)
{
    /// <summary>A response with an entity tag stays as it is.</summary>
    public bool NotWithETag { get; init; }

    /// <summary>The upstream does not learn what the client accepts, so that it does not compress.</summary>
    public bool HidesAccept { get; init; }

    public HashSet<int> LeftAlone { get; init; } = [];

    public static CompressorSettings Compile(Compressor config, string path, FilterContext context)
    {
        var library = CompressorLibrary.Compile(config.CompressorLibrary, path + ".compressor_library");
        var prefix = $"{context.StatPrefix}compressor.{library.Name}.{(library.Encoding == "br" ? "brotli" : library.Encoding)}.";
        var (request, response) = (config.RequestDirectionConfig?.CommonConfig, config.ResponseDirectionConfig?.CommonConfig);
        if (config.ResponseDirectionConfig?.StatusHeaderEnabled is true) throw new ConfigRefusedException(path + ".response_direction_config.status_header_enabled", "is not supported");
#pragma warning disable CS0612 // The older fields are still sent.
        var older = config.ResponseDirectionConfig is null;
        return new CompressorSettings(
            library,
            CompressedDirection.Of(request is null ? false : request.Enabled?.DefaultValue, request?.MinContentLength, request?.ContentType ?? [], usually: false, context.Stats.Group(prefix + "request.", CompressionStats.Create)),
            CompressedDirection.Of(
                older ? config.RuntimeEnabled?.DefaultValue : response?.Enabled?.DefaultValue, older ? config.ContentLength : response?.MinContentLength, older ? config.ContentType : response?.ContentType ?? [],
                usually: true, context.Stats.Group(older ? prefix : prefix + "response.", CompressionStats.Create)),
            context.Stats.Group(prefix, CompressionStats.Create))
        {
            NotWithETag = older ? config.DisableOnEtagHeader : config.ResponseDirectionConfig!.DisableOnEtagHeader,
            HidesAccept = older ? config.RemoveAcceptEncodingHeader : config.ResponseDirectionConfig!.RemoveAcceptEncodingHeader,
            LeftAlone = [.. config.ResponseDirectionConfig?.UncompressibleResponseCodes.Select(code => (int)code) ?? []],
        };
#pragma warning restore CS0612
    }
}

/// <summary>What a route says to the filter. Immutable.</summary>
internal sealed record CompressorRoute(bool IsDisabled, bool? HidesAccept, CompressorLibrary? Library)
{
    public static CompressorRoute Compile(CompressorPerRoute config, string path) => config.OverrideCase switch
    {
        CompressorPerRoute.OverrideOneofCase.Disabled => config.Disabled ? new CompressorRoute(true, null, null) : throw new ConfigRefusedException(path + ".disabled", "may only be true"),
        CompressorPerRoute.OverrideOneofCase.Overrides => new CompressorRoute(
            false, config.Overrides.ResponseDirectionConfig?.RemoveAcceptEncodingHeader,
            config.Overrides.CompressorLibrary is null ? null : CompressorLibrary.Compile(config.Overrides.CompressorLibrary, path + ".overrides.compressor_library")),
        _ => throw new ConfigRefusedException(path, "has no override"),
    };
}

/// <summary>Statistics of one direction. Source: Envoy's "Compressor", statistics.</summary>
internal sealed class CompressionStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int Compressed = 0, NotCompressed = 1, BytesBefore = 2, BytesAfter = 3, TooSmall = 4, NotWithETag = 5, NoAcceptHeader = 6, HeaderIdentity = 7, HeaderNotValid = 8, HeaderUsed = 9;

    private static readonly StatField[] All =
    [
        new("compressed"), new("not_compressed"), new("total_uncompressed_bytes"), new("total_compressed_bytes"), new("content_length_too_small"), new("not_compressed_etag"),
        new("no_accept_header"), new("header_identity"), new("header_not_valid"), new("header_compressor_used"),
    ];

    public static CompressionStats Create(string prefix, int workers) => new(prefix, workers);
}
