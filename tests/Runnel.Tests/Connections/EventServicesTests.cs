using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>How long a consumer's services live.</summary>
public abstract class EventServicesTests : ConsumerTests
{
    public sealed class BesideTheSocket : EventServicesTests
    {
        private protected override bool InAWorker => false;
    }

    public sealed class InTheWorker : EventServicesTests
    {
        private protected override bool InAWorker => true;
    }

    [Fact]
    public async Task What_a_consumer_takes_from_Services_lives_as_long_as_the_event_and_what_its_constructor_takes_as_long_as_the_connection()
    {
        await using var app = await StartAsync();
        var client = app.Communicator("/ws");
        await client.ConnectAsync();

        var connect = await EventAsync("connect");
        await client.SendTextAsync("text");
        var text = await EventAsync("text");
        await app.Groups.SendEventAsync("services", "event", 1);
        var groupEvent = await EventAsync("event");
        await client.DisposeAsync();
        var disconnect = await EventAsync("disconnect");

        Assert.Equal(4, new[] { connect, text, groupEvent, disconnect }.Select(seen => seen.OfEvent).Distinct().Count());
        Assert.Single(new[] { connect, text, groupEvent, disconnect }.Select(seen => seen.OfConnection).Distinct());
        Assert.Equal($"disposed {connect.OfConnection}", await app.Journal.NextAsync());

        // Once an event is handled, what it took is disposed of, before anything else is handled.
        async Task<(string OfEvent, string OfConnection)> EventAsync(string name)
        {
            var entry = (await app.Journal.NextAsync()).Split(' ');
            Assert.Equal((name, entry[1]), (entry[0], entry[2])); // the same throughout the event
            Assert.Equal($"disposed {entry[1]}", await app.Journal.NextAsync());
            return (entry[1], entry[3]);
        }
    }

    [Fact]
    public async Task The_services_of_an_event_end_with_it_also_when_it_fails()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/ws");
        var (connect, _) = (await app.Journal.NextAsync(), await app.Journal.NextAsync());

        await client.SendTextAsync("fail");
        var failed = (await app.Journal.NextAsync()).Split(' ');

        Assert.StartsWith("connect", connect, StringComparison.Ordinal);
        Assert.Equal("fail", failed[0]);
        Assert.Equal($"disposed {failed[1]}", await app.Journal.NextAsync());
    }

    [Fact]
    public async Task Services_that_are_taken_while_nothing_is_handled_are_refused_with_a_sentence()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/ws");
        var (_, _) = (await app.Journal.NextAsync(), await app.Journal.NextAsync());

        await client.SendTextAsync("later");
        var (_, disposed) = (await app.Journal.NextAsync(), await app.Journal.NextAsync());
        app.Journal.Gate.SetResult();

        Assert.StartsWith("disposed", disposed, StringComparison.Ordinal);
        Assert.StartsWith("Asking has no services while it handles no event", await app.Journal.NextAsync(), StringComparison.Ordinal);
    }

    private Task<RunnelApp> StartAsync() => StartInMemoryAsync(
        app => app.MapConsumer<Asking>("/ws"), builder => builder.Services.AddScoped<Unit>());

    private sealed class Unit(Journal journal) : IDisposable
    {
        public string Name => $"{RuntimeHelpers.GetHashCode(this)}";

        public void Dispose() => journal.Write($"disposed {Name}");
    }

    private sealed class Asking(Unit unit, Journal journal) : WebSocketConsumer
    {
        private string Now => $"{Services.GetRequiredService<Unit>().Name} {Services.GetRequiredService<Unit>().Name} {unit.Name}";

        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("services", cancellationToken);
            journal.Write($"connect {Now}");
        }

        public override Task OnReceiveAsync(string text, CancellationToken cancellationToken)
        {
            journal.Write($"{text} {Now}");
            if (text == "fail")
                throw new InvalidOperationException("As asked.");
            if (text == "later")
                _ = LaterAsync();
            return Task.CompletedTask;
        }

        [Handles("event")]
        public Task OnEventAsync()
        {
            journal.Write($"event {Now}");
            return Task.CompletedTask;
        }

        public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
        {
            journal.Write($"disconnect {Now}");
            return Task.CompletedTask;
        }

        private async Task LaterAsync()
        {
            await journal.Gate.Task;
            try
            {
                journal.Write(Now);
            }
            catch (InvalidOperationException exception)
            {
                journal.Write(exception.Message);
            }
        }
    }
}
