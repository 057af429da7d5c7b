using System.Diagnostics.Metrics;
using System.Net;
using Granary.Hosting;
using Granary.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using OrleansCluster = Orleans.Configuration.ClusterOptions;
using Orleans.Hosting;

namespace Granary.Grains.Faults.Silos;

/// <summary>A silo as a user would host it, but that it writes down what it runs.</summary>
internal static class SiloHost
{
    /// <summary>What it prints when it has joined its cluster.</summary>
    public const string Ready = "The silo is ready.";

    public static IHost Build(SiloSettings settings)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
        });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.Configure<HostOptions>(
            host => host.ShutdownTimeout = SiloSettings.DrainTimeout + TimeSpan.FromSeconds(20));
        builder.UseOrleans(silo => Configure(silo, settings));
        var diary = new DiaryWriter(settings.Diary);
        builder.Services.AddSingleton(Listen(diary));
        builder.Services.AddGranary(granary =>
        {
            granary.Handle<long, long>("work", (number, task) => WorkAsync(number, task, diary));
            granary.UsePostgres(settings.Connection).UseCluster(_ => SiloSettings.Options);
        });
        IHost host = builder.Build();
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(
            () => Console.WriteLine(Ready));
        return host;
    }

    private static void Configure(ISiloBuilder silo, SiloSettings settings)
    {
        silo.Configure<OrleansCluster>(cluster => cluster.ClusterId = cluster.ServiceId = settings.Cluster);
        silo.ConfigureEndpoints(IPAddress.Loopback, settings.SiloPort, settings.GatewayPort);
        silo.UseAdoNetClustering(clustering =>
            (clustering.Invariant, clustering.ConnectionString) = ("Npgsql", settings.Connection));
        silo.Configure<ClusterMembershipOptions>(membership =>
        {
            // A dead silo is noticed within a few seconds.
            membership.ProbeTimeout = TimeSpan.FromSeconds(1);
            membership.NumMissedProbesLimit = 3;
            membership.TableRefreshTimeout = TimeSpan.FromSeconds(5);
            membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(2);
            // A silo joins when all that are said to be active answer; those of a cluster that was killed do not.
            membership.MaxJoinAttemptTime = TimeSpan.FromSeconds(10);
        });
    }

    /// <summary>The value is the number and one. It takes 0 to 15 milliseconds, which its last digits say.</summary>
    private static async Task<long> WorkAsync(long number, TaskContext task, DiaryWriter diary)
    {
        diary.Write(DiaryKind.Begin, task, number);
        bool ended = false;
        try
        {
            int wait = (int)(number * 7 % 16);
            if (wait == 0) await Task.Yield();
            else await Task.Delay(wait, task.CancellationToken);
            task.CancellationToken.ThrowIfCancellationRequested();
            ended = true;
            return number + 1;
        }
        finally
        {
            diary.Write(ended ? DiaryKind.End : DiaryKind.Stop, task, number);
        }
    }

    private static MeterListener Listen(DiaryWriter diary)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == GranaryTelemetry.MeterName && instrument is Counter<long>)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, count, _, _) =>
        {
            if (instrument.Name == "granary.writes.fenced") diary.Write(DiaryKind.Fenced, count);
            else if (instrument.Name == "granary.attempts.lost") diary.Write(DiaryKind.Lost, count);
            else if (instrument.Name == "granary.recoveries") diary.Write(DiaryKind.Recovered, count);
        });
        listener.Start();
        return listener;
    }
}
