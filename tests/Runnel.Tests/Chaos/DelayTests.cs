using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Tests.Sqlite;
using Xunit;

namespace Runnel.Tests.Chaos;

/// <summary>Delayed messages through the whole product, with a crash in the middle.</summary>
public sealed class DelayTests : IAsyncDisposable
{
    private const int Messages = 1_000;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(500);

    private readonly SqliteFile _file = new(TimeProvider.System);
    private readonly ConcurrentDictionary<int, bool> _handled = new();
    private readonly ConcurrentQueue<(DateTimeOffset Due, DateTimeOffset At)> _executions = new();

    public ValueTask DisposeAsync() => _file.DisposeAsync();

    [Fact]
    public async Task Messages_of_random_delays_are_never_early_and_come_in_their_turn_though_the_process_dies_in_the_middle()
    {
        var first = _file.Open();
        using var dying = await StartAsync(first);
        var (channels, random) = (dying.Services.GetRequiredService<IChannels>(), new Random(1));
        foreach (var batch in Enumerable.Range(0, Messages).Chunk(100))
            await Task.WhenAll(batch.Select(number => SendAsync(channels, number, Longest * random.NextDouble())));

        await Wait.Until(() => _handled.Count > Messages / 2, "half of the messages are handled");
        await first.CrashAsync();
        using var next = await StartAsync(_file.Open());
        // What the first process had handled and not settled when it died comes once more, and may be behind the last that nobody had handled.
        await Wait.Until(() => _handled.Count == Messages && _file.Count("message") == 0, "all messages are handled and settled");
        await dying.StopAsync();
        await next.StopAsync();

        Assert.All(_executions, execution => Assert.True(execution.At >= execution.Due, $"A message came at {execution.At:O}, before it was due at {execution.Due:O}."));
        Assert.InRange(CountOvertaken(), 0, Messages / 2);
        Assert.Equal(0, _file.Count("message"));
    }

    private static Task<SentMessage> SendAsync(IChannels channels, int number, TimeSpan delay)
    {
        var due = TimeProvider.System.GetUtcNow() + delay;
        return channels.SendAsync("delayed", new Delayed(number, due.UtcTicks), new SendOptions { NotBefore = due }).AsTask();
    }

    private async Task<IHost> StartAsync(SqliteStore store)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<IWorkQueue>(new SqliteWorkQueue(store));
        builder.Services.AddRunnelCore().AddRunnelWorkers();
        var host = builder.Build();
        host.MapChannel("delayed", Handle);
        await host.StartAsync();
        return host;
    }

    private Task Handle(Delayed message)
    {
        var (due, now) = (new DateTimeOffset(message.Due, TimeSpan.Zero), TimeProvider.System.GetUtcNow());
        _executions.Enqueue((due, now));
        _handled[message.Number] = true;
        return Task.CompletedTask;
    }

    // A busy machine makes all of them late, but lets none of them wait for others that were due later.
    private int CountOvertaken()
    {
        var (overtaken, latest) = (0, DateTimeOffset.MinValue);
        foreach (var (due, _) in _executions)
        {
            overtaken += due + Late < latest ? 1 : 0;
            latest = due > latest ? due : latest;
        }
        return overtaken;
    }

    private sealed record Delayed(int Number, long Due);
}
