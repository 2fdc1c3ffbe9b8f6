using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Lateen.Proxy.Http.Http2;
using Lateen.Proxy.Upstream.Clusters;
using HttpProtocolOptions = Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions;

namespace Lateen.Proxy.Compile;

/// <summary>
/// What a cluster's upstreams speak, compiled. Immutable. Source: envoy.extensions.upstreams.http.v3.HttpProtocolOptions, and the
/// fields of Cluster that it has replaced.
/// </summary>
internal sealed record UpstreamProtocols(UpstreamProtocol Protocol, Http2Options Http2, bool EnableTrailers)
{
    /// <summary>Streams that we open on one connection unless the peer or the settings say less; Envoy's number.</summary>
    private const int MostStreams = 1024;

    public static UpstreamProtocols Compile(Cluster cluster, HttpProtocolOptions? options)
    {
        const string Path = "typed_extension_protocol_options[envoy.extensions.upstreams.http.v3.HttpProtocolOptions]";
        switch (options?.UpstreamProtocolOptionsCase)
        {
            case HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.ExplicitHttpConfig:
                var given = options.ExplicitHttpConfig;
                if (given.Http3ProtocolOptions is not null) throw new ConfigRefusedException(Path + ".explicit_http_config.http3_protocol_options", "is not supported");
                return Of(given.Http2ProtocolOptions is not null ? UpstreamProtocol.Http2 : UpstreamProtocol.Http1, given.HttpProtocolOptions, given.Http2ProtocolOptions, Path + ".explicit_http_config");
            case HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.UseDownstreamProtocolConfig:
                var same = options.UseDownstreamProtocolConfig;
                return Of(UpstreamProtocol.Downstream, same.HttpProtocolOptions, same.Http2ProtocolOptions, Path + ".use_downstream_protocol_config");
            case HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.AutoConfig:
                var negotiated = options.AutoConfig;
                if (negotiated.Http3ProtocolOptions is not null) throw new ConfigRefusedException(Path + ".auto_config.http3_protocol_options", "is not supported");
                return Of(UpstreamProtocol.Negotiated, negotiated.HttpProtocolOptions, negotiated.Http2ProtocolOptions, Path + ".auto_config");
            default:
#pragma warning disable CS0612 // The older fields are still sent.
                var follows = cluster.ProtocolSelection == Cluster.Types.ClusterProtocolSelection.UseDownstreamProtocol;
                var older = follows ? UpstreamProtocol.Downstream : cluster.Http2ProtocolOptions is not null ? UpstreamProtocol.Http2 : UpstreamProtocol.Http1;
                return Of(older, cluster.HttpProtocolOptions, cluster.Http2ProtocolOptions, "");
#pragma warning restore CS0612
        }
    }

    private static UpstreamProtocols Of(UpstreamProtocol protocol, Http1ProtocolOptions? http1, Http2ProtocolOptions? http2, string path) =>
        new(protocol, Http2Options.Compile(http2, $"{path}{(path.Length > 0 ? "." : "")}http2_protocol_options", MostStreams), http1?.EnableTrailers ?? false);
}
