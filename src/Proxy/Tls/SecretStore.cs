using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Compile.Rules;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Tls;

/// <summary>
/// All secrets by source and name. A secret that is not usable is refused, and the last good one stays in use. Guarded by its
/// lock; any thread.
/// </summary>
internal sealed class SecretStore(ILogger log)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(SecretSource, string), SecretSlot> _slots = [];

    /// <summary>A secret got its first value: listeners and clusters may have waited for it.</summary>
    public Action? OnFirstValue { get; set; }

    /// <summary>The slot of a secret; asked for from now on.</summary>
    public SecretSlot Slot(SecretSource source, string name, long patienceMs = 15_000)
    {
        lock (_gate) return _slots.TryGetValue((source, name), out var known) ? known : _slots[(source, name)] = new SecretSlot(source, name, patienceMs);
    }

    /// <summary>Names that are wanted from a source, sorted.</summary>
    public IReadOnlyList<string> NamesOf(SecretSource source)
    {
        lock (_gate) return [.. _slots.Keys.Where(key => key.Item1 == source).Select(key => key.Item2).Order(StringComparer.Ordinal)];
    }

    /// <summary>Sources of a kind that something is wanted from.</summary>
    public IReadOnlyList<SecretSource> SourcesOf(SecretSourceKind kind)
    {
        lock (_gate) return [.. _slots.Keys.Select(key => key.Item1).Where(source => source.Kind == kind).Distinct()];
    }

    public IReadOnlyList<SecretSlot> All
    {
        get
        {
            lock (_gate) return [.. _slots.Values];
        }
    }

    /// <summary>Takes secrets of a source; the problems, one line each, or null.</summary>
    public string? Apply(SecretSource source, IEnumerable<Any> resources, string version)
    {
        var problems = new List<string>();
        foreach (var any in resources)
            try
            {
                var secret = any.Read<Secret>();
                FieldRules.Check(secret);
                Set(source, secret, version);
            }
            catch (Exception e) when (e is InvalidProtocolBufferException or ConfigRefusedException)
            {
                problems.Add(e.Message);
            }
        if (problems.Count == 0) return null;
        foreach (var problem in problems) log.LogWarning("refused Secret {Problem}", problem);
        return string.Join('\n', problems);
    }

    /// <summary>Takes one secret; another one of the same source that nobody asked for is passed over.</summary>
    /// <exception cref="ConfigRefusedException">It is not usable; the message names it.</exception>
    public void Set(SecretSource source, Secret secret, string version)
    {
        var isFirst = false;
        lock (_gate)
        {
            if (!_slots.TryGetValue((source, secret.Name), out var slot))
            {
                if (source.Kind != SecretSourceKind.Bootstrap) return;
                _slots[(source, secret.Name)] = slot = new SecretSlot(source, secret.Name, 0);
            }
            try
            {
                isFirst = !slot.HasValue;
                Fill(slot, secret, version);
            }
            catch (Exception e) when (e is ConfigRefusedException or TlsMaterialException)
            {
                throw new ConfigRefusedException(secret.Name, e.Message);
            }
        }
        if (isFirst) OnFirstValue?.Invoke();
    }

    /// <summary>Reads again the files that secrets name; a file that is half written keeps the last good value.</summary>
    public void RefreshFiles(SecretFileWatch watch)
    {
        foreach (var slot in All)
            if (slot.Message is { } message && watch.HasChanged(SecretCompiler.FilesOf(message)))
                try
                {
                    Set(slot.Source, message, slot.VersionInfo);
                }
                catch (ConfigRefusedException e)
                {
                    log.LogWarning("changed files of the secret {Problem}", e.Message);
                    watch.TryAgain(SecretCompiler.FilesOf(message));
                }
    }

    private static void Fill(SecretSlot slot, Secret secret, string version)
    {
        switch (secret.TypeCase)
        {
            case Secret.TypeOneofCase.TlsCertificate:
                var certificate = SecretCompiler.Certificate(secret.TlsCertificate, "tls_certificate", slot.Name);
                SecretCompiler.Check(certificate);
                slot.Set(secret, version, certificate, null, null);
                break;
            case Secret.TypeOneofCase.ValidationContext:
                var validation = SecretCompiler.Validation(secret.ValidationContext, "validation_context", slot.Name);
                SecretCompiler.Check(validation);
                slot.Set(secret, version, null, validation, null);
                break;
            case Secret.TypeOneofCase.SessionTicketKeys:
                slot.Set(secret, version, null, null, SecretCompiler.TicketKeys(secret.SessionTicketKeys, "session_ticket_keys"));
                break;
            case Secret.TypeOneofCase.GenericSecret:
                slot.Set(secret, version, null, null, null);
                break;
            default:
                throw new ConfigRefusedException("type", "is missing");
        }
    }
}
