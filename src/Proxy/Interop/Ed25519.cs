using System.Runtime.InteropServices;

namespace Lateen.Proxy.Interop;

/// <summary>Ed25519 signatures (RFC 8032) by libcrypto: .NET has no class for them. Any thread.</summary>
internal static unsafe partial class Ed25519
{
    public const int KeyLength = 32, SignatureLength = 64;

    /// <summary>NID_ED25519 of OpenSSL's obj_mac.h.</summary>
    private const int KeyType = 1087;

    private const string Crypto = "libcrypto.so.3";

    public static bool Verify(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (key.Length != KeyLength || signature.Length != SignatureLength) return false;
        fixed (byte* keyAt = key, messageAt = message, signatureAt = signature)
        {
            var handle = NewRawPublicKey(KeyType, 0, keyAt, KeyLength);
            if (handle == 0) return false;
            var context = NewContext();
            var ok = context != 0 && VerifyInit(context, 0, 0, 0, handle) == 1 && Verify(context, signatureAt, SignatureLength, messageAt, (nuint)message.Length) == 1;
            if (context != 0) FreeContext(context);
            FreeKey(handle);
            return ok;
        }
    }

    [LibraryImport(Crypto, EntryPoint = "EVP_PKEY_new_raw_public_key")]
    private static partial nint NewRawPublicKey(int type, nint engine, byte* key, nuint length);

    [LibraryImport(Crypto, EntryPoint = "EVP_PKEY_free")]
    private static partial void FreeKey(nint key);

    [LibraryImport(Crypto, EntryPoint = "EVP_MD_CTX_new")]
    private static partial nint NewContext();

    [LibraryImport(Crypto, EntryPoint = "EVP_MD_CTX_free")]
    private static partial void FreeContext(nint context);

    [LibraryImport(Crypto, EntryPoint = "EVP_DigestVerifyInit")]
    private static partial int VerifyInit(nint context, nint keyContext, nint digest, nint engine, nint key);

    [LibraryImport(Crypto, EntryPoint = "EVP_DigestVerify")]
    private static partial int Verify(nint context, byte* signature, nuint signatureLength, byte* message, nuint length);
}
