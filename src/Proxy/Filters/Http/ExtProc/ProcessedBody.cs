using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Service.ExtProc.V3;
using Google.Protobuf;
using Lateen.Proxy.Filters.Http.Bodies;
using Lateen.Proxy.Http.Http1;
using HeaderMap = Lateen.Proxy.Http.Headers.HeaderMap;
using ProtoHeaders = Envoy.Config.Core.V3.HeaderMap;

namespace Lateen.Proxy.Filters.Http.ExtProc;

/// <summary>
/// A body that is shown to a processor stretch by stretch, and the trailers behind it. When the processor is gone and may not be, the body
/// breaks off. Owned by one worker.
/// </summary>
internal sealed class ProcessedBody(
    BodySource inner, ProcessorCall call, ExtProcSettings settings, Func<ProcessingRequest, ValueTask<ProcessingResponse?>> ask, bool isRequest, bool showsBody, bool showsTrailers) : BodySource
{
    private ReadOnlyMemory<byte> _changed;
    private bool _isOver, _isPassedOn;
    private HeaderMap? _trailers;

    public override HeaderMap? Trailers => _trailers;

    public override async ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadAsync()
    {
        while (!_isOver)
        {
            var (status, data) = await inner.ReadAsync();
            if (status is not (ReadStatus.Ok or ReadStatus.End)) return (status, default);
            var isLast = status == ReadStatus.End;
            _isOver = isLast;
            if (isLast) _trailers = inner.Trailers;
            if (call.End != ProcessorEnd.None || !showsBody)
            {
                if (isLast) return await ShowTrailersAsync() ? (ReadStatus.End, default) : (ReadStatus.Bad, default);
                _isPassedOn = true;
                return (status, data);
            }
            // Trailers say the end where there are some.
            var hasTrailers = _trailers is { Count: > 0 };
            if (!isLast || !hasTrailers)
            {
                var body = new HttpBody { Body = ByteString.CopyFrom(data.Span), EndOfStream = isLast };
                var answer = await ask(isRequest ? new ProcessingRequest { RequestBody = body } : new ProcessingRequest { ResponseBody = body });
                if (answer is null && !MayGoOn()) return (ReadStatus.Bad, default);
                _changed = ExtProcFilter.Changed(isRequest ? answer?.RequestBody?.Response : answer?.ResponseBody?.Response) ?? body.Body.Memory;
            }
            else _changed = default;
            if (!isLast) inner.Advance();
            else if (!await ShowTrailersAsync()) return (ReadStatus.Bad, default);
            if (!_changed.IsEmpty) return (ReadStatus.Ok, _changed);
        }
        return (ReadStatus.End, default);
    }

    public override void Advance()
    {
        if (_isPassedOn) inner.Advance();
        _isPassedOn = false;
    }

    public override void Abort()
    {
        inner.Abort();
        call.Abort();
    }

    private bool MayGoOn() => call.Immediate is null && (call.End == ProcessorEnd.Done || settings.FailureModeAllow);

    private async ValueTask<bool> ShowTrailersAsync()
    {
        if (!showsTrailers || call.End != ProcessorEnd.None || _trailers is not { Count: > 0 } trailers) return true;
        var told = new HttpTrailers { Trailers = Told(trailers) };
        var answer = await ask(isRequest ? new ProcessingRequest { RequestTrailers = told } : new ProcessingRequest { ResponseTrailers = told });
        if (answer is null) return MayGoOn();
        var mutation = (isRequest ? answer.RequestTrailers : answer.ResponseTrailers).HeaderMutation;
        if (mutation is null) return true;
        var changed = new HeaderMap();
        changed.CopyFrom(trailers);
        foreach (var removed in mutation.RemoveHeaders)
            if (!settings.Rules.TryApply(HeaderChange.Removal(removed), changed)) return settings.FailureModeAllow;
        foreach (var option in mutation.SetHeaders)
            if (!settings.Rules.TryApply(ExtProcFilter.ChangeOf(option), changed)) return settings.FailureModeAllow;
        _trailers = changed;
        return true;
    }

    private static ProtoHeaders Told(HeaderMap trailers)
    {
        var told = new ProtoHeaders();
        for (var place = 0; place < trailers.Places; place++)
            if (trailers.TryAt(place, out _, out var name, out var value))
                told.Headers.Add(new HeaderValue { Key = Encoding.ASCII.GetString(name), RawValue = ByteString.CopyFrom(value) });
        return told;
    }
}
