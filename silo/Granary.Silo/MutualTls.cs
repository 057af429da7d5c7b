using System.Security.Cryptography.X509Certificates;
using Granary.Silo.Settings;
using Orleans.Connections.Security;

namespace Granary.Silo;

/// <summary>
/// Connections to silos and from clients, where either side must show a certificate of the cluster's own authority.
/// </summary>
internal static class MutualTls
{
    public static void Require(TlsOptions tls, TlsSettings files)
    {
        var authority = new X509Certificate2Collection();
        authority.ImportFromPemFile(files.Authority);
        tls.LocalCertificate = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
        tls.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.RemoteCertificateValidation = (certificate, sent, _) => IsIssuedBy(authority, certificate, sent);
        // Silos move between addresses: who issued the certificate counts, not the name in it.
        tls.OnAuthenticateAsClient = (_, client) => client.TargetHost = "granary";
    }

    private static bool IsIssuedBy(X509Certificate2Collection authority, X509Certificate2 certificate, X509Chain? sent)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (sent is not null) chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
        return chain.Build(certificate);
    }
}
