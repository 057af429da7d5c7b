using Granary.Engines;
using Xunit;

namespace Granary.Client.Tests;

/// <summary>Options reach the engine, and bad ones are refused by name before anything is sent.</summary>
public sealed class OptionsTests
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);
    private readonly ReplayEngine _engine = new([]);

    private GranaryClient Granary => new(_engine);

    public static TheoryData<string, BatchOptions> Bad => new()
    {
        { "BatchOptions.MaxConcurrency is 0. A pool has 1 to 1,000,000 slots.", new() { MaxConcurrency = 0 } },
        { "BatchOptions.MaxConcurrency is -1. A pool has", new() { MaxConcurrency = -1 } },
        { "BatchOptions.OnFailure is 9. Use Continue or CancelPending.", new() { OnFailure = (FailurePolicy)9 } },
        { "BatchOptions.Deadline is 00:00:00. Use a positive time. Leave it null", new() { Deadline = TimeSpan.Zero } },
        { "BatchOptions.Deadline is -01:00:00.", new() { Deadline = -s_hour } },
        { "BatchOptions.Delay is -01:00:00. Use a positive time. Use zero", new() { Delay = -s_hour } },
        { "BatchOptions.Retention is -01:00:00.", new() { Retention = -s_hour } },
        { "BatchOptions.Retention is 20000.00:00:00. Use at most", new() { Retention = 480_000 * s_hour } },
        { "BatchOptions.SealTimeout is 00:00:00.", new() { SealTimeout = TimeSpan.Zero } },
        { "BatchOptions.Key is blank. Leave it null", new() { Key = " " } },
        { "BatchOptions.Key is 257 characters long. Use at most 256.", new() { Key = new string('k', 257) } },
        { "BatchOptions.Name is 257 characters long. Use at most 256.", new() { Name = new string('n', 257) } },
    };

    [Theory, MemberData(nameof(Bad))]
    public async Task A_bad_setting_is_refused_with_its_name_its_value_and_the_fix(string message, BatchOptions options)
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => Granary.StartBatchAsync<int, int>("echo", [1], options));
        Assert.Equal(Refusal.Invalid, refused.Refusal);
        Assert.StartsWith(message, refused.Message);
        Assert.Null(_engine.Spec);
    }

    [Fact]
    public async Task A_blank_handler_is_refused()
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Granary.StartBatchAsync<int, int>(" ", [1]));
        Assert.Equal(Refusal.Invalid, refused.Refusal);
    }

    [Fact]
    public async Task Every_batch_option_reaches_the_engine()
    {
        var options = new BatchOptions
        {
            MaxConcurrency = 7,
            OnFailure = FailurePolicy.CancelPending,
            Defaults = new() { Retries = 3 },
            Deadline = s_hour,
            Key = "k",
            Name = "n",
            Delay = 2 * s_hour,
            Retention = 3 * s_hour,
            SealTimeout = 4 * s_hour,
        };
        await Granary.StartBatchAsync<int, int>("echo", [1, 2, 3], options);
        var expected = new JobSpec
        {
            Kind = JobKind.Batch,
            MaxConcurrency = 7,
            OnFailure = FailurePolicy.CancelPending,
            Defaults = new() { Retries = 3 },
            Deadline = s_hour,
            Key = "k",
            Name = "n",
            Delay = 2 * s_hour,
            Retention = 3 * s_hour,
            SealTimeout = 4 * s_hour,
        };
        Assert.Equal(expected, _engine.Spec);
        Assert.Equal(3, _engine.Items);
    }

    [Fact]
    public async Task Defaults_are_those_of_the_specification()
    {
        await Granary.StartBatchAsync<int, int>("echo", []);
        Assert.Equal(new JobSpec { Kind = JobKind.Batch }, _engine.Spec);
        await Granary.StartChainAsync(Chain.Start("echo"));
        Assert.Equal(new JobSpec { Kind = JobKind.Chain }, _engine.Spec);
    }

    [Fact]
    public async Task What_a_chain_says_goes_before_the_options_it_is_started_with()
    {
        Chain chain = Chain.Start("echo").Then("echo").With(new() { Retries = 5 });
        await Granary.StartChainAsync(chain, new() { Defaults = new() { Retries = 1, Timeout = s_hour }, Key = "k" });
        Assert.Equal((JobKind.Chain, "k"), (_engine.Spec!.Kind, _engine.Spec.Key));
        Assert.Equal(new TaskOptions { Retries = 5, Timeout = s_hour }, _engine.Spec.Defaults);
        Assert.Equal(2, _engine.Items);
    }
}
