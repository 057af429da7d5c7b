using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Granary.Silo.Settings;
using Orleans.Connections.Security;

namespace Granary.Silo.Tests;

public sealed class TlsTests : IDisposable
{
    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("granary-tls-");

    public void Dispose() => _files.Delete(recursive: true);

    [Fact]
    public async Task Only_a_client_with_a_certificate_of_the_clusters_authority_gets_in()
    {
        TlsSettings ours = Issue("ours"), theirs = Issue("theirs");
        await using SiloProcess silo = await SiloProcess.StartAsync(
            $"--Granary:Tls:Certificate={ours.Certificate}", $"--Granary:Tls:Key={ours.Key}",
            $"--Granary:Tls:Authority={ours.Authority}");

        await using ClusterClient client = await ClusterClient.ConnectAsync(
            silo.Ports.Gateway, c => c.UseMutualTls(ours.Certificate, ours.Key, ours.Authority));
        BatchHandle<string> batch = await client.Granary.StartBatchAsync<string, string>("echo", ["in"]);
        Assert.Equal(["in"], await batch.ResultsAsync());

        await RefusedAsync(silo.Ports.Gateway, null);
        await RefusedAsync(silo.Ports.Gateway, theirs);
        await RefusedAsync(silo.Ports.Silo, theirs);
    }

    [Fact]
    public void Only_certificates_of_the_clusters_authority_are_trusted()
    {
        TlsSettings ours = Issue("ours"), theirs = Issue("theirs");
        var tls = new TlsOptions();
        MutualTls.Require(tls, ours);
        Assert.True(Trusts(ours));
        Assert.False(Trusts(theirs));

        bool Trusts(TlsSettings files)
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificateFromFile(files.Certificate);
            return tls.RemoteCertificateValidation!(certificate, null, SslPolicyErrors.None);
        }
    }

    /// <summary>What the silo hangs up on: the end of the handshake is the answer.</summary>
    private static async Task RefusedAsync(int port, TlsSettings? files)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await using var tls = new SslStream(client.GetStream());
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "granary",
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        };
        if (files is not null)
            options.ClientCertificates = [X509Certificate2.CreateFromPemFile(files.Certificate, files.Key)];
        Assert.True(await IsHungUpAsync(tls, options).WaitAsync(TimeSpan.FromMinutes(3)));
    }

    private static async Task<bool> IsHungUpAsync(SslStream tls, SslClientAuthenticationOptions options)
    {
        try
        {
            await tls.AuthenticateAsClientAsync(options);
            return await tls.ReadAsync(new byte[1]) == 0;
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return true;
        }
    }

    /// <summary>An authority and a certificate of it, as PEM files.</summary>
    private TlsSettings Issue(string name)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using ECDsa authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest($"CN={name}", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 root = authority.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=granary", key, HashAlgorithmName.SHA256);
        using X509Certificate2 leaf = request.Create(root, now.AddDays(-1), now.AddDays(29), [1]);
        return new TlsSettings(
            Write($"{name}.crt", leaf.ExportCertificatePem()), Write($"{name}.key", key.ExportPkcs8PrivateKeyPem()),
            Write($"{name}.ca", root.ExportCertificatePem()));
    }

    private string Write(string name, string pem)
    {
        string path = Path.Combine(_files.FullName, name);
        File.WriteAllText(path, pem);
        return path;
    }
}
