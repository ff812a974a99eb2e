using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Sending;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What queues are declared with: the broker keeps that, and nobody can change it later.</summary>
public sealed class QueuePlanTests
{
    private readonly RabbitMQOptions _options = new();
    private readonly QueuePlan _plan;

    public QueuePlanTests() => _plan = new QueuePlan(_options);

    [Fact]
    public void The_queues_of_a_channel_stay_and_those_of_a_process_go_when_it_is_gone_for_long()
    {
        BrokerQueue[] ofChannel = [_plan.Of("work"), _plan.ShardOf("work", 3), _plan.WorkersOf("work"), _plan.DeadOf("work")];
        BrokerQueue[] ofProcess = [_plan.Of("node.1!"), _plan.ShardOf("node.1!", 3), _plan.WorkersOf("node.1!")];

        Assert.DoesNotContain(ofChannel, queue => queue.Arguments.ContainsKey("x-expires"));
        Assert.All(ofProcess, queue => Assert.Equal((long)TimeSpan.FromDays(2).TotalMilliseconds, queue.Arguments["x-expires"]));
    }

    [Fact]
    public void The_broker_gives_no_message_up_and_takes_it_back_from_a_worker_after_the_time_that_the_options_say()
    {
        foreach (var queue in new[] { _plan.Of("work"), _plan.ShardOf("work", 0) })
        {
            Assert.Equal("quorum", queue.Arguments["x-queue-type"]);
            Assert.Equal(1_000_000_000, queue.Arguments["x-delivery-limit"]);
            Assert.Equal((long)_options.DeliveryTimeout.TotalMilliseconds, queue.Arguments["x-consumer-timeout"]);
        }
        Assert.Equal((long)_options.DeadLetterRetention.TotalMilliseconds, _plan.DeadOf("work").Arguments["x-message-ttl"]);
    }

    [Fact]
    public void A_delayed_message_goes_on_to_the_relay_when_its_step_is_over_and_is_never_dropped_nor_early()
    {
        foreach (var step in DelayLadder.Steps)
        {
            var arguments = _plan.DelayOf(step).Arguments;
            Assert.Equal(step.Milliseconds + 1, arguments["x-message-ttl"]);
            Assert.Equal(("", _plan.Relay.Name, "at-least-once", "reject-publish"),
                (arguments["x-dead-letter-exchange"], arguments["x-dead-letter-routing-key"], arguments["x-dead-letter-strategy"], arguments["x-overflow"]));
            Assert.False(arguments.ContainsKey("x-expires"));
        }
    }
}
