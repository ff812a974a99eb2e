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

    private readonly SqliteFile _file = new(TimeProvider.System);
    private readonly ConcurrentDictionary<int, List<TimeSpan>> _lateness = new();

    public ValueTask DisposeAsync() => _file.DisposeAsync();

    [Fact]
    public async Task Random_delays_are_never_early_and_hardly_late_though_the_process_dies_in_the_middle()
    {
        var first = _file.Open();
        using var dying = await StartAsync(first);
        var (channels, random) = (dying.Services.GetRequiredService<IChannels>(), new Random(1));
        foreach (var batch in Enumerable.Range(0, Messages).Chunk(100))
            await Task.WhenAll(batch.Select(number => SendAsync(channels, number, Longest * random.NextDouble())));

        await Wait.Until(() => _lateness.Count > Messages / 2, "half of the messages are handled");
        await first.CrashAsync();
        using var next = await StartAsync(_file.Open());
        await Wait.Until(() => _lateness.Count == Messages, "all messages are handled");
        await dying.StopAsync();
        await next.StopAsync();

        var late = _lateness.Values.SelectMany(executions => executions).Order().ToList();
        Assert.True(late[0] >= TimeSpan.Zero, $"A message came {late[0]} after it was due.");
        Assert.True(late[late.Count / 2] < TimeSpan.FromMilliseconds(500), $"Half of the messages came more than {late[late.Count / 2]} late.");
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
        var late = TimeSpan.FromTicks(TimeProvider.System.GetUtcNow().UtcTicks - message.Due);
        _lateness.AddOrUpdate(message.Number, _ => [late], (_, executions) => [.. executions, late]);
        return Task.CompletedTask;
    }

    private sealed record Delayed(int Number, long Due);
}
