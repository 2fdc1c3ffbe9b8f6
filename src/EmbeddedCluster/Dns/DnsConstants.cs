namespace Lateen.EmbeddedCluster.Dns;

/// <summary>Record types that the server knows (IANA DNS parameters).</summary>
internal enum DnsType : ushort
{
    /// <summary>IPv4 address.</summary>
    A = 1,

    /// <summary>Alias.</summary>
    Cname = 5,

    /// <summary>Start of authority.</summary>
    Soa = 6,

    /// <summary>Name of an address.</summary>
    Ptr = 12,

    /// <summary>Text.</summary>
    Txt = 16,

    /// <summary>IPv6 address.</summary>
    Aaaa = 28,

    /// <summary>Host and port of a service (RFC 2782).</summary>
    Srv = 33,

    /// <summary>Extension pseudo-record (RFC 6891).</summary>
    Opt = 41,

    /// <summary>Every type, in questions.</summary>
    Any = 255,
}

/// <summary>Response codes (RFC 1035, 4.1.1).</summary>
internal enum DnsResponseCode
{
    /// <summary>The name exists; the answer may still be empty.</summary>
    NoError = 0,

    /// <summary>The question could not be read.</summary>
    FormatError = 1,

    /// <summary>The server or its upstream failed.</summary>
    ServerFailure = 2,

    /// <summary>No record of any type has this name.</summary>
    NameError = 3,

    /// <summary>An operation other than a question.</summary>
    NotImplemented = 4,
}
