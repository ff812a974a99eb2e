using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

[Collection(nameof(Metered))]
public sealed class RedisScaleOutTests(RedisServer server) : ScaleOutSpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place = new(server);

    protected override IBackplane Open() => _place.OpenBackplane();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task A_message_to_ten_thousand_members_on_two_nodes_costs_one_command_and_one_delivery_to_each_node()
    {
        const int Members = 5_000;
        await base.DisposeAsync(); // the nodes of the other tests, which say once a second that they live
        var (publisher, here, there) = (Open(), FakeConnection.CreateNode(Open()), FakeConnection.CreateNode(Open()));
        List<FakeConnection> members = [];
        foreach (var node in new[] { here, there })
        {
            for (var i = 0; i < Members; i++)
            {
                var member = await FakeConnection.ConnectAsync(node);
                await member.Groups.AddAsync("crowd");
                members.Add(member);
            }
        }
        await publisher.PublishAsync(Topic.OfGroup("warm-up"), "x"u8.ToArray(), retention: null);
        _place.Probe.ForgetCommandCalls();

        await FakeConnection.CreateNode(publisher).Groups.SendAsync("crowd", "hello");
        await Wait.Until(() => members.All(member => member.Writer.Frames.Count == 1), "all members have it");

        var calls = _place.Probe.CommandCalls().Where(call => call.Key is not ("config|resetstat" or "info" or "ping")).ToDictionary();
        Assert.Equal(new Dictionary<string, long> { ["publish"] = 1 }, calls);
        Assert.Equal(2, _place.Probe.Number("PUBLISH", $"{_place.Prefix}:{{group:crowd}}", "m")); // how many connections it went to
        members.ForEach(member => member.Dispose());
    }
}
