using System.Diagnostics.CodeAnalysis;

namespace Lateen.Foundation.Identity;

/// <summary>
/// A workload's identity in the form that Istio gives it: <c>spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT</c>.
/// Immutable. Source: SPIFFE-ID specification section 2; inventory COM-9.
/// </summary>
/// <param name="TrustDomain">Lower-case letters, digits, dots, dashes and underscores.</param>
/// <param name="Namespace">Kubernetes namespace.</param>
/// <param name="ServiceAccount">Kubernetes service account.</param>
public sealed record SpiffeId(string TrustDomain, string Namespace, string ServiceAccount)
{
    private const string Scheme = "spiffe://";
    private const int MaxLength = 2048;

    /// <summary>The identity as a URI.</summary>
    public override string ToString() => $"{Scheme}{TrustDomain}/ns/{Namespace}/sa/{ServiceAccount}";

    /// <summary>
    /// Makes an identity; <c>@</c> in the trust domain becomes a dot, as Istio does for names taken from e-mail-like
    /// accounts.
    /// </summary>
    public static SpiffeId Create(string trustDomain, string ns, string serviceAccount) => new(trustDomain.Replace('@', '.'), ns, serviceAccount);

    /// <summary>
    /// Reads an identity. False for another scheme, a port, user information, query, fragment, empty or dot segments, a
    /// trailing slash, characters outside the allowed set, more than 2048 characters, or another path shape.
    /// </summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out SpiffeId? id)
    {
        id = null;
        if (text is null || text.Length > MaxLength || !text.StartsWith(Scheme, StringComparison.Ordinal)) return false;
        if (text[Scheme.Length..].Split('/') is not [var domain, "ns", var ns, "sa", var account]) return false;
        if (!IsTrustDomain(domain) || !IsSegment(ns) || !IsSegment(account)) return false;
        id = new SpiffeId(domain, ns, account);
        return true;
    }

    /// <summary>True for a valid trust domain name (SPIFFE-ID section 2.1): at most 255 characters.</summary>
    public static bool IsTrustDomain(string name) =>
        name.Length is > 0 and <= 255 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '_');

    private static bool IsSegment(string segment) =>
        segment.Length > 0 && segment is not ("." or "..") && segment.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
