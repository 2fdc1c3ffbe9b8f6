using Lateen.Proxy.Interop;

namespace Lateen.Proxy.Tls;

/// <summary>The errors that libssl has queued on this thread, in the words that Envoy's logs have for them.</summary>
internal static unsafe class TlsErrors
{
    private const nuint ReasonMask = 0x7FFFFF;
    private const nuint NoPeerCertificate = 199;

    /// <summary>Empties the queue. Empty when the peer only closed.</summary>
    public static string Drain(VerifyOutcome outcome, bool isEnd, out bool noCertificate)
    {
        noCertificate = false;
        var text = "";
        while (OpenSsl.NextError() is var error and not 0)
        {
            if ((error & ReasonMask) == NoPeerCertificate) noCertificate = true;
            var reason = OpenSsl.Text(OpenSsl.ErrorReason(error)).ToUpperInvariant().Replace(' ', '_');
            // "unexpected eof" is OpenSSL's word for a peer that went away.
            if (isEnd && reason == "UNEXPECTED_EOF_WHILE_READING") continue;
            text += $"|{error}:SSL routines:OPENSSL_internal:{reason}";
        }
        if (text.Length == 0) return "";
        var detail = outcome switch
        {
            VerifyOutcome.BadName => ":verify cert failed: verify SAN list",
            VerifyOutcome.BadHash => ":verify cert failed: certificate hash",
            VerifyOutcome.BadChain => ":verify cert failed: X509_verify_cert",
            _ => "",
        };
        return $"TLS_error:{text}{detail}:TLS_error_end";
    }

    /// <summary>The reason of the oldest error of the queue, which is emptied; for configuration.</summary>
    public static string First()
    {
        var first = OpenSsl.NextError();
        OpenSsl.ClearErrors();
        return first == 0 ? "unknown reason" : OpenSsl.Text(OpenSsl.ErrorReason(first));
    }
}
