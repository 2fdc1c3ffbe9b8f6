using System.Formats.Asn1;
using System.Text;

namespace Lateen.Proxy.Tls;

/// <summary>Writes a name of a certificate as RFC 2253 does: the last part first, commas without blanks, special signs escaped.</summary>
internal static class DistinguishedName
{
    private static readonly Dictionary<string, string> ShortNames = new()
    {
        ["2.5.4.3"] = "CN", ["2.5.4.4"] = "SN", ["2.5.4.5"] = "serialNumber", ["2.5.4.6"] = "C", ["2.5.4.7"] = "L", ["2.5.4.8"] = "ST", ["2.5.4.9"] = "street",
        ["2.5.4.10"] = "O", ["2.5.4.11"] = "OU", ["2.5.4.12"] = "title", ["2.5.4.42"] = "GN", ["2.5.4.43"] = "initials", ["0.9.2342.19200300.100.1.1"] = "UID",
        ["0.9.2342.19200300.100.1.25"] = "DC", ["1.2.840.113549.1.9.1"] = "emailAddress",
    };

    /// <exception cref="System.Security.Cryptography.CryptographicException">It is not a name.</exception>
    public static string Format(byte[] der)
    {
        try
        {
            var parts = new List<string>();
            var sequence = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
            while (sequence.HasData)
            {
                var values = new List<string>();
                var set = sequence.ReadSetOf();
                while (set.HasData)
                {
                    var pair = set.ReadSequence();
                    var type = pair.ReadObjectIdentifier();
                    values.Add($"{ShortNames.GetValueOrDefault(type, type)}={Escape(Text(pair))}");
                }
                parts.Insert(0, string.Join('+', values));
            }
            return string.Join(',', parts);
        }
        catch (AsnContentException e)
        {
            throw new System.Security.Cryptography.CryptographicException(e.Message, e);
        }
    }

    private static string Text(AsnReader value)
    {
        var tag = value.PeekTag();
        return tag.TagClass == TagClass.Universal && tag.TagValue is (int)UniversalTagNumber.UTF8String or (int)UniversalTagNumber.PrintableString
            or (int)UniversalTagNumber.IA5String or (int)UniversalTagNumber.T61String or (int)UniversalTagNumber.BMPString or (int)UniversalTagNumber.NumericString
            ? value.ReadCharacterString((UniversalTagNumber)tag.TagValue)
            : "#" + Convert.ToHexString(value.ReadEncodedValue().Span);
    }

    /// <summary>RFC 2253, section 2.4.</summary>
    private static string Escape(string value)
    {
        var text = new StringBuilder(value.Length);
        for (var i = 0; i < value.Length; i++)
        {
            var c = value[i];
            if (c is ',' or '+' or '"' or '\\' or '<' or '>' or ';' || i == 0 && c is ' ' or '#' && i == 0 || c == ' ' && i == value.Length - 1) text.Append('\\');
            text.Append(c);
        }
        return text.ToString();
    }
}
