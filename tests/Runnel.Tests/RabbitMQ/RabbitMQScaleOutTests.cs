using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

[Collection(nameof(Metered))]
public sealed class RabbitMQScaleOutTests(SharedRabbitServer server) : ScaleOutSpecification
{
    private readonly List<RabbitMQBackplane> _backplanes = [];
    private RabbitPlace _place = null!;

    public override async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        await base.InitializeAsync();
    }

    protected override IBackplane Open()
    {
        var backplane = new RabbitMQBackplane(_place.Open());
        _backplanes.Add(backplane);
        return backplane;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var backplane in _backplanes)
            await backplane.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task A_node_has_one_queue_however_many_members_and_groups_it_has_and_leaves_nothing_but_the_exchange()
    {
        var backplane = (RabbitMQBackplane)Open();
        var node = FakeConnection.CreateNode(backplane);
        List<FakeConnection> members = [];
        for (var i = 0; i < 1_000; i++)
        {
            var member = await FakeConnection.ConnectAsync(node);
            await member.Groups.AddAsync("crowd");
            await member.Groups.AddAsync($"group-{i % 100}");
            members.Add(member);
        }
        var before = (await _place.Host.QueuesAsync()).Count;

        for (var i = 0; i < members.Count; i++)
        {
            await members[i].Groups.RemoveAsync("crowd");
            await members[i].Groups.RemoveAsync($"group-{i % 100}");
            members[i].Dispose();
        }
        await Wait.Until(async () => (await _place.Host.BindingsAsync()).All(binding => !binding.Contains("group:", StringComparison.Ordinal)), "the bindings are gone");
        await backplane.DisposeAsync();

        await Wait.Until(async () => (await _place.Host.QueuesAsync()).Count == before - 1, "the queue is gone");
        Assert.Equal(["runnel.groups"], (await _place.Host.ExchangesAsync()).Select(exchange => exchange.Name));
    }
}
