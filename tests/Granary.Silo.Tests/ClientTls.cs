using System.Security.Cryptography.X509Certificates;
using Orleans.Connections.Security;

namespace Granary.Silo.Tests;

/// <summary>Mutual TLS for a client, as infra/tls/README.md shows it.</summary>
internal static class ClientTls
{
    public static void UseMutualTls(this IClientBuilder client, string certificate, string key, string authority) =>
        client.UseTls(tls =>
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(authority);
            tls.LocalCertificate = X509Certificate2.CreateFromPemFile(certificate, key);
            tls.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
            tls.OnAuthenticateAsClient = (_, options) => options.TargetHost = "granary";
            tls.RemoteCertificateValidation = (silo, _, _) =>
            {
                using var chain = new X509Chain();
                chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
                chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                return chain.Build(silo);
            };
        });
}
