using Envoy.Service.ExtProc.V3;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Upstream.Grpc;
using Lateen.Proxy.Workers;
using CoreMetadata = Envoy.Config.Core.V3.Metadata;

namespace Lateen.Proxy.Filters.Http.ExtProc;

/// <summary>Why a processor is not asked any more.</summary>
internal enum ProcessorEnd
{
    /// <summary>It still is.</summary>
    None,

    /// <summary>It has seen all that it wanted to see.</summary>
    Done,
    Failed,
    TimedOut,
}

/// <summary>
/// The conversation with a processor about one stream: a question at a time for each direction, in any order between the two. Owned by
/// one worker.
/// </summary>
internal sealed class ProcessorCall
{
    private const string Path = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";
    private const long GoodbyeMs = 5000;
    private readonly HttpExchange _exchange;
    private readonly ExtProcSettings _settings;
    private readonly Question _request, _response;
    private GrpcStream? _stream;

    public ProcessorCall(HttpExchange exchange, ExtProcSettings settings, ProcessedParts parts)
    {
        (_exchange, _settings, Parts) = (exchange, settings, parts);
        (_request, _response) = (new Question(this), new Question(this));
    }

    /// <summary>The parts of the stream that are still to be shown.</summary>
    public ProcessedParts Parts { get; set; }

    public ProcessorEnd End { get; private set; }

    /// <summary>The processor's answer in place of the upstream's; null for none.</summary>
    public ImmediateResponse? Immediate { get; private set; }

    /// <summary>Shows a part and waits for what becomes of it; null when the processor does not say: <see cref="End"/> and <see cref="Immediate"/> tell why.</summary>
    public async ValueTask<ProcessingResponse?> AskAsync(GrpcTarget target, ProcessingRequest message)
    {
        var isRequest = message.RequestCase is ProcessingRequest.RequestOneofCase.RequestHeaders or ProcessingRequest.RequestOneofCase.RequestBody or ProcessingRequest.RequestOneofCase.RequestTrailers;
        if (End != ProcessorEnd.None || !await OpenAsync(target)) return null;
        if (_settings.ToldNamespaces.Length > 0) message.MetadataContext = Told();
        _settings.Stats.Add(_exchange.Worker, ExtProcStats.Sent);
        var question = isRequest ? _request : _response;
        question.Begin((int)message.RequestCase, _settings.TimeoutMs);
        if (!await _stream!.SendAsync(message) && End == ProcessorEnd.None) Stop(ProcessorEnd.Failed);
        return await question.AnswerAsync();
    }

    /// <summary>The stream is over: the processor is told, and has some time to end the call by itself.</summary>
    public void Close()
    {
        if (_stream is not { } stream) return;
        if (End == ProcessorEnd.None) End = ProcessorEnd.Done;
        stream.LimitTo(GoodbyeMs);
        _ = stream.CompleteAsync();
    }

    /// <summary>Nobody waits for answers any more.</summary>
    public void Abort() => Stop(ProcessorEnd.Failed);

    private async ValueTask<bool> OpenAsync(GrpcTarget target)
    {
        if (_stream is not null) return true;
        (_stream, _) = await GrpcStream.OpenAsync(_exchange.Context, _exchange.Worker, target, Path, 0);
        if (_stream is null)
        {
            _settings.Stats.Add(_exchange.Worker, ExtProcStats.Failed);
            End = ProcessorEnd.Failed;
            return false;
        }
        _settings.Stats.Add(_exchange.Worker, ExtProcStats.Started);
        _ = ReadAsync(_stream);
        return true;
    }

    /// <summary>Reads answers until the call is over, whatever becomes of the exchange.</summary>
    private async Task ReadAsync(GrpcStream stream)
    {
        var (worker, stats) = (_exchange.Worker, _settings.Stats);
        while (await stream.ReadAsync() is { } bytes)
        {
            if (End != ProcessorEnd.None) continue;
            stats.Add(worker, ExtProcStats.Received);
            if (!GrpcCall.TryParse<ProcessingResponse>(bytes, out var answer) || !Take(answer!)) Stop(ProcessorEnd.Failed);
        }
        stats.Add(worker, stream.Status == 0 ? ExtProcStats.Closed : ExtProcStats.Failed);
        stream.Close();
        if (End == ProcessorEnd.None) Stop(stream.Status == 0 ? ProcessorEnd.Done : ProcessorEnd.Failed);
    }

    private bool Take(ProcessingResponse answer)
    {
        if (answer.OverrideMessageTimeout is { } longer && answer.ResponseCase == ProcessingResponse.ResponseOneofCase.None)
        {
            Extend(Compile.Durations.Ms(longer) ?? 0);
            return true;
        }
        if (answer.DynamicMetadata is { } metadata)
            foreach (var (name, value) in metadata.Fields)
                if (_settings.TakenNamespaces.Contains(name) && value.KindCase == Google.Protobuf.WellKnownTypes.Value.KindOneofCase.StructValue)
                    _exchange.Info.Metadata.Merge(name, value.StructValue);
        if (answer.ResponseCase == ProcessingResponse.ResponseOneofCase.ImmediateResponse)
        {
            if (!_settings.MayAnswer) return false;
            Immediate = answer.ImmediateResponse;
            Stop(ProcessorEnd.Done);
            return true;
        }
        var part = answer.ResponseCase switch
        {
            ProcessingResponse.ResponseOneofCase.RequestHeaders => ProcessingRequest.RequestOneofCase.RequestHeaders,
            ProcessingResponse.ResponseOneofCase.ResponseHeaders => ProcessingRequest.RequestOneofCase.ResponseHeaders,
            ProcessingResponse.ResponseOneofCase.RequestBody => ProcessingRequest.RequestOneofCase.RequestBody,
            ProcessingResponse.ResponseOneofCase.ResponseBody => ProcessingRequest.RequestOneofCase.ResponseBody,
            ProcessingResponse.ResponseOneofCase.RequestTrailers => ProcessingRequest.RequestOneofCase.RequestTrailers,
            ProcessingResponse.ResponseOneofCase.ResponseTrailers => ProcessingRequest.RequestOneofCase.ResponseTrailers,
            _ => ProcessingRequest.RequestOneofCase.None,
        };
        if (_request.TryAnswer((int)part, answer) || _response.TryAnswer((int)part, answer)) return true;
        _settings.Stats.Add(_exchange.Worker, ExtProcStats.Spurious);
        return false;
    }

    private void Extend(long milliseconds)
    {
        var isAllowed = milliseconds > 0 && milliseconds <= _settings.MostTimeoutMs;
        _settings.Stats.Add(_exchange.Worker, isAllowed ? ExtProcStats.OverrideReceived : ExtProcStats.OverrideIgnored);
        if (!isAllowed) return;
        _request.Extend(milliseconds);
        _response.Extend(milliseconds);
    }

    private void Stop(ProcessorEnd end)
    {
        if (End != ProcessorEnd.None) return;
        End = end;
        if (end is ProcessorEnd.Failed or ProcessorEnd.TimedOut) _stream?.Abort();
        _request.TryAnswer(null);
        _response.TryAnswer(null);
    }

    private CoreMetadata Told()
    {
        var told = new CoreMetadata();
        foreach (var name in _settings.ToldNamespaces)
            if (_exchange.Info.Metadata.Find(name) is { } fields)
                told.FilterMetadata[name] = fields.Clone();
        return told;
    }

    /// <summary>What one direction waits for, and for how long. Owned by one worker.</summary>
    private sealed class Question(ProcessorCall call) : WorkerTimer
    {
        private readonly Signal _signal = new();
        private int _part;
        private bool _isAnswered;
        private ProcessingResponse? _answer;

        public void Begin(int part, long timeoutMs)
        {
            (_part, _isAnswered, _answer) = (part, false, null);
            call._exchange.Worker.StartTimer(this, timeoutMs);
        }

        public async ValueTask<ProcessingResponse?> AnswerAsync()
        {
            if (!_isAnswered) await _signal.Wait();
            call._exchange.Worker.StopTimer(this);
            _part = 0;
            return _answer;
        }

        public bool TryAnswer(int part, ProcessingResponse answer)
        {
            if (part == 0 || part != _part || _isAnswered) return false;
            _answer = answer;
            return TryAnswer(answer);
        }

        public bool TryAnswer(ProcessingResponse? answer)
        {
            if (_part == 0 || _isAnswered && answer is null) return false;
            _isAnswered = true;
            call._exchange.Worker.StopTimer(this);
            _signal.Complete(true);
            return true;
        }

        public void Extend(long milliseconds)
        {
            if (_part != 0 && !_isAnswered) call._exchange.Worker.StartTimer(this, milliseconds);
        }

        protected internal override void OnFired()
        {
            call._settings.Stats.Add(call._exchange.Worker, ExtProcStats.Timeouts);
            call.Stop(ProcessorEnd.TimedOut);
        }
    }
}
