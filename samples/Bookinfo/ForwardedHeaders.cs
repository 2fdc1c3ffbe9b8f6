namespace Lateen.Samples.Bookinfo;

/// <summary>
/// The headers that a Bookinfo service copies from the request that it serves to those that it makes, so that one trace,
/// one user and one token run through the whole call tree.
/// </summary>
internal static class ForwardedHeaders
{
    /// <summary>Carries the name of the signed-in user; Istio's task pages route on it.</summary>
    public const string EndUser = "end-user";

    private static readonly string[] Names =
    [
        "x-request-id", "x-ot-span-context", "x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority",
        "traceparent", "tracestate", "x-cloud-trace-context", "grpc-trace-bin", "sw8",
        "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags", "b3",
        "user-agent", "cookie", "authorization", "jwt", EndUser,
    ];

    /// <summary>Copies the named headers that the incoming request has.</summary>
    public static void Copy(IHeaderDictionary from, HttpRequestMessage to)
    {
        foreach (var name in Names)
            if (from.TryGetValue(name, out var values))
                to.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
    }
}
