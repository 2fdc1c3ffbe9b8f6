using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Service.ExtProc.V3;
using Google.Protobuf;
using Lateen.Proxy.Filters.Http.Bodies;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Upstream.Grpc;
using BodyMode = Envoy.Extensions.Filters.Http.ExtProc.V3.ProcessingMode.Types.BodySendMode;
using HeaderMap = Lateen.Proxy.Http.Headers.HeaderMap;
using ProtoHeaders = Envoy.Config.Core.V3.HeaderMap;

namespace Lateen.Proxy.Filters.Http.ExtProc;

/// <summary>
/// Shows heads, bodies and trailers to a gRPC service, which may change them or answer itself. Immutable. Source: Envoy's external processing
/// filter and envoy.service.ext_proc.v3.
/// differs: of a streamed body one stretch at a time is with the processor.
/// </summary>
internal sealed class ExtProcFilter(string name, ExtProcSettings settings) : IHttpFilter
{
    /// <summary>Bytes of a body that are held for a processor. Source: Envoy's default of per_connection_buffer_limit_bytes.</summary>
    private const long MostHeld = 1 << 20;
    private readonly string _state = "envoy.filters.http.ext_proc/" + name;

    public async ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        var route = exchange.RouteConfig<ExtProcRoute>(name);
        if (route is { IsDisabled: true } || exchange.IsUpgrade) return FilterResult.Continue;
        var call = new ProcessorCall(exchange, settings, route?.Parts ?? settings.Parts);
        exchange.Info.FilterState.Set(_state, call);
        exchange.OnCut = call.Abort;
        var result = await RequestAsync(exchange, call);
        if (result == FilterResult.Continue && exchange.Cut != EndReason.None)
        {
            await exchange.ReplyAsync(exchange.Cut);
            return FilterResult.Stop;
        }
        return result;
    }

    public async ValueTask<FilterResult> OnResponseAsync(HttpExchange exchange)
    {
        if (exchange.Info.FilterState.Find(_state) is not ProcessorCall call || call.End != ProcessorEnd.None || exchange.Cut != EndReason.None) return FilterResult.Continue;
        var hasBody = HasBody(exchange);
        var replaced = false;
        if (call.Parts.ResponseHeaders)
        {
            var told = new HttpHeaders { Headers = Told(exchange.Response, exchange.ResponseStatus), EndOfStream = !hasBody };
            var answer = await call.AskAsync(Target(exchange), new ProcessingRequest { ResponseHeaders = told });
            if (await CheckAsync(exchange, call) == FilterResult.Stop) return FilterResult.Stop;
            if (answer is not null)
            {
                if (!TryChange(exchange, answer.ResponseHeaders.Response?.HeaderMutation, exchange.Response)) return await FailAsync(exchange, call, settings.StatusOnError);
                replaced = Replace(exchange, answer.ResponseHeaders.Response, isRequest: false);
                Override(call, answer);
            }
        }
        if (!hasBody || replaced || call.End != ProcessorEnd.None) return FilterResult.Continue;
        return await ResponseBodyAsync(exchange, call);
    }

    public void OnEnd(HttpExchange exchange) => (exchange.Info.FilterState.Find(_state) as ProcessorCall)?.Close();

    /// <summary>Shows the request's head, then its body as the mode says.</summary>
    private async ValueTask<FilterResult> RequestAsync(HttpExchange exchange, ProcessorCall call)
    {
        var hasBody = exchange.Bodies.RequestKind != BodyKind.None;
        if (call.Parts.RequestHeaders)
        {
            var told = new HttpHeaders { Headers = Told(exchange.Request, 0), EndOfStream = !hasBody };
            var answer = await call.AskAsync(Target(exchange), new ProcessingRequest { RequestHeaders = told });
            if (await CheckAsync(exchange, call) == FilterResult.Stop) return FilterResult.Stop;
            if (answer is not null)
            {
                var common = answer.RequestHeaders.Response;
                if (!TryChange(exchange, common?.HeaderMutation, exchange.Request)) return await FailAsync(exchange, call, settings.StatusOnError);
                ClearRoute(exchange, common);
                Override(call, answer);
                if (Replace(exchange, common, isRequest: true)) return FilterResult.Continue;
            }
        }
        if (!hasBody || call.End != ProcessorEnd.None) return FilterResult.Continue;
        var mode = call.Parts.RequestBody;
        if (mode is BodyMode.Buffered or BodyMode.BufferedPartial)
        {
            var (status, bytes) = await BodyHold.RequestAsync(exchange, MostHeld, mode == BodyMode.BufferedPartial);
            if (status == HoldStatus.TooLarge)
            {
                await exchange.ReplyAsync(EndReason.PayloadTooLarge);
                return FilterResult.Stop;
            }
            if (status == HoldStatus.Gone) return FilterResult.Continue;
            var isLast = status == HoldStatus.Whole && exchange.Bodies.Request!.Trailers is not { Count: > 0 };
            var answer = await call.AskAsync(Target(exchange), new ProcessingRequest { RequestBody = new HttpBody { Body = ByteString.CopyFrom(bytes.Span), EndOfStream = isLast } });
            if (await CheckAsync(exchange, call) == FilterResult.Stop) return FilterResult.Stop;
            if (answer is null) return FilterResult.Continue;
            var common = answer.RequestBody.Response;
            if (!TryChange(exchange, common?.HeaderMutation, exchange.Request)) return await FailAsync(exchange, call, settings.StatusOnError);
            ClearRoute(exchange, common);
            if (Changed(common) is { } changed)
            {
                exchange.Bodies.Request = new HeldBody(changed, status == HoldStatus.Part ? exchange.Bodies.Request : null, exchange.Bodies.Request!.Trailers);
                SetLength(exchange.Request, changed.Length, isWhole: isLast);
            }
            if (call.Parts.RequestTrailers && exchange.Bodies.Request!.Trailers is { Count: > 0 }) exchange.Bodies.Request = Streamed(exchange, call, exchange.Bodies.Request, isRequest: true, showsBody: false);
        }
        else if (mode == BodyMode.Streamed || call.Parts.RequestTrailers)
        {
            if (mode == BodyMode.Streamed) exchange.Request.Remove(KnownHeader.ContentLength);
            exchange.Bodies.Request = Streamed(exchange, call, exchange.Bodies.RequestSource(), isRequest: true, showsBody: mode == BodyMode.Streamed);
        }
        return FilterResult.Continue;
    }

    private async ValueTask<FilterResult> ResponseBodyAsync(HttpExchange exchange, ProcessorCall call)
    {
        var mode = call.Parts.ResponseBody;
        if (mode is BodyMode.Buffered or BodyMode.BufferedPartial)
        {
            var (status, bytes) = await BodyHold.ResponseAsync(exchange, MostHeld, mode == BodyMode.BufferedPartial);
            if (status is HoldStatus.TooLarge or HoldStatus.Gone)
            {
                await exchange.ReplyAsync(EndReason.FilterReply, status == HoldStatus.TooLarge ? 500 : 502, codeDetails: status == HoldStatus.TooLarge ? "response_payload_too_large" : "upstream_reset_before_response_started{connection_termination}");
                return FilterResult.Stop;
            }
            var isLast = status == HoldStatus.Whole && exchange.Bodies.Response!.Trailers is not { Count: > 0 };
            var answer = await call.AskAsync(Target(exchange), new ProcessingRequest { ResponseBody = new HttpBody { Body = ByteString.CopyFrom(bytes.Span), EndOfStream = isLast } });
            if (await CheckAsync(exchange, call) == FilterResult.Stop) return FilterResult.Stop;
            if (answer is null) return FilterResult.Continue;
            var common = answer.ResponseBody.Response;
            if (!TryChange(exchange, common?.HeaderMutation, exchange.Response)) return await FailAsync(exchange, call, settings.StatusOnError);
            if (Changed(common) is { } changed)
            {
                exchange.Bodies.Response = new HeldBody(changed, status == HoldStatus.Part ? exchange.Bodies.Response : null, exchange.Bodies.Response!.Trailers);
                SetLength(exchange.Response, changed.Length, isWhole: isLast);
            }
            if (call.Parts.ResponseTrailers && exchange.Bodies.Response!.Trailers is { Count: > 0 }) exchange.Bodies.Response = Streamed(exchange, call, exchange.Bodies.Response, isRequest: false, showsBody: false);
        }
        else if (mode == BodyMode.Streamed || call.Parts.ResponseTrailers)
        {
            if (mode == BodyMode.Streamed) exchange.Response.Remove(KnownHeader.ContentLength);
            exchange.Bodies.Response = Streamed(exchange, call, exchange.Bodies.ResponseSource(), isRequest: false, showsBody: mode == BodyMode.Streamed);
        }
        return FilterResult.Continue;
    }

    private ProcessedBody Streamed(HttpExchange exchange, ProcessorCall call, BodySource inner, bool isRequest, bool showsBody)
    {
        var target = Target(exchange);
        return new ProcessedBody(inner, call, settings, message => call.AskAsync(target, message), isRequest, showsBody, isRequest ? call.Parts.RequestTrailers : call.Parts.ResponseTrailers);
    }

    private GrpcTarget Target(HttpExchange exchange) => exchange.RouteConfig<ExtProcRoute>(name)?.Target ?? settings.Target;

    /// <summary>Answers when the processor wants it, or when it failed and may not fail.</summary>
    private async ValueTask<FilterResult> CheckAsync(HttpExchange exchange, ProcessorCall call)
    {
        if (exchange.Cut != EndReason.None)
        {
            await exchange.ReplyAsync(exchange.Cut);
            return FilterResult.Stop;
        }
        if (call.Immediate is { } immediate)
        {
            exchange.Response.Clear();
            var ignored = 0;
            foreach (var option in immediate.Headers?.SetHeaders ?? [])
                if (ChangeOf(option) is { IsValid: true } change && change.Name[0] != ':') change.Apply(exchange.Response);
                else ignored++;
            if (ignored > 0) settings.Stats.Add(exchange.Worker, ExtProcStats.RejectedMutations, ignored);
            var status = (int)(immediate.Status?.Code ?? 0);
            await exchange.ReplyAsync(
                EndReason.FilterReply, status is >= 200 and <= 599 ? status : 200, immediate.Body.Memory, keepHeaders: true, grpcStatus: immediate.GrpcStatus is { } grpc ? (int)grpc.Status : null,
                codeDetails: immediate.Details.Length > 0 ? immediate.Details : "ext_proc_immediate_response");
            return FilterResult.Stop;
        }
        return call.End is ProcessorEnd.Failed or ProcessorEnd.TimedOut ? await FailAsync(exchange, call, call.End == ProcessorEnd.TimedOut ? 504 : settings.StatusOnError) : FilterResult.Continue;
    }

    private async ValueTask<FilterResult> FailAsync(HttpExchange exchange, ProcessorCall call, int status)
    {
        call.Abort();
        if (exchange.RouteConfig<ExtProcRoute>(name)?.FailureModeAllow ?? settings.FailureModeAllow)
        {
            settings.Stats.Add(exchange.Worker, ExtProcStats.FailureModeAllowed);
            return FilterResult.Continue;
        }
        await exchange.ReplyAsync(EndReason.FilterReply, status, codeDetails: "ext_proc_error");
        return FilterResult.Stop;
    }

    /// <summary>False when the processor asks for what makes its answer an error.</summary>
    private bool TryChange(HttpExchange exchange, Envoy.Service.ExtProc.V3.HeaderMutation? mutation, HeaderMap headers)
    {
        if (mutation is null) return true;
        foreach (var removed in mutation.RemoveHeaders)
            if (!settings.Rules.TryApply(HeaderChange.Removal(removed), headers)) return false;
        foreach (var option in mutation.SetHeaders)
        {
            var change = ChangeOf(option);
            if (change.Name.AsSpan().SequenceEqual(":status"u8) && ReferenceEquals(headers, exchange.Response))
            {
                if (HttpText.TryParseLength(change.Value, out var status) && status is >= 200 and <= 599) exchange.ResponseStatus = (int)status;
            }
            else if (!settings.Rules.TryApply(change, headers)) return false;
        }
        return true;
    }

    /// <summary>parity: a header that does not say how is set, not added.</summary>
    internal static HeaderChange ChangeOf(HeaderValueOption option)
    {
        var change = HeaderChange.Of(option);
#pragma warning disable CS0612 // append is older than append_action, and still sent.
        return change.Kind == HeaderChangeKind.Add && option.Append is null ? change with { Kind = HeaderChangeKind.Set } : change;
#pragma warning restore CS0612
    }

    private void ClearRoute(HttpExchange exchange, CommonResponse? common)
    {
        if (common?.HeaderMutation is null && common?.ClearRouteCache != true) return;
        if (settings.Cache == RouteCache.Clear || settings.Cache == RouteCache.AsAsked && common.ClearRouteCache) exchange.ChooseRoute();
    }

    private void Override(ProcessorCall call, ProcessingResponse answer)
    {
        if (settings.MayChangeParts && answer.ModeOverride is { } mode && call.Parts.With(mode) is { } parts) call.Parts = parts;
    }

    /// <summary>Takes a whole message in place of what would have followed; false when the processor asks for no such thing.</summary>
    private static bool Replace(HttpExchange exchange, CommonResponse? common, bool isRequest)
    {
        if (common?.Status != CommonResponse.Types.ResponseStatus.ContinueAndReplace) return false;
        var body = Changed(common) ?? ReadOnlyMemory<byte>.Empty;
        var held = new HeldBody(body, new DroppedBody(isRequest ? exchange.Bodies.RequestSource() : exchange.Bodies.ResponseSource()));
        if (isRequest) exchange.Bodies.Request = held;
        else exchange.Bodies.Response = held;
        BodyHold.SetLength(isRequest ? exchange.Request : exchange.Response, body.Length);
        return true;
    }

    /// <summary>The bytes that take the place of the body's; null for none.</summary>
    internal static ReadOnlyMemory<byte>? Changed(CommonResponse? common) => common?.BodyMutation?.MutationCase switch
    {
        BodyMutation.MutationOneofCase.Body => common.BodyMutation.Body.Memory,
        BodyMutation.MutationOneofCase.RemoveBody when common.BodyMutation.RemoveBody => ReadOnlyMemory<byte>.Empty,
        _ => null,
    };

    private static void SetLength(HeaderMap headers, int length, bool isWhole)
    {
        if (isWhole) BodyHold.SetLength(headers, length);
        else headers.Remove(KnownHeader.ContentLength);
    }

    private static bool HasBody(HttpExchange exchange) =>
        !exchange.IsHead && exchange.ResponseStatus is >= 200 and not (204 or 304) && !exchange.Response[KnownHeader.ContentLength].SequenceEqual("0"u8)
        && !(exchange.Response.Has(KnownHeader.GrpcStatus) && !exchange.Response.Has(KnownHeader.ContentLength));

    private ProtoHeaders Told(HeaderMap headers, int status)
    {
        var told = new ProtoHeaders();
        if (status > 0) told.Headers.Add(new HeaderValue { Key = ":status", RawValue = ByteString.CopyFromUtf8(status.ToString(System.Globalization.CultureInfo.InvariantCulture)) });
        for (var place = 0; place < headers.Places; place++)
            if (headers.TryAt(place, out var known, out var header, out var value) && known != KnownHeader.Status && settings.Allowed?.IsMatch(header) != false && !settings.Disallowed.IsMatch(header))
                told.Headers.Add(new HeaderValue { Key = Encoding.ASCII.GetString(header), RawValue = ByteString.CopyFrom(value) });
        return told;
    }
}
