using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.Links;
using Runnel.Nodes;
using Xunit;

namespace Runnel.Specification;

/// <summary>Two nodes that send each other numbers over their links.</summary>
internal sealed class NodeTalk : IAsyncDisposable
{
    private readonly Speaker _one, _two;
    private int _said;

    private NodeTalk(Speaker one, Speaker two) => (_one, _two) = (one, two);

    /// <summary>Has both nodes hear each other.</summary>
    public static async Task<NodeTalk> BeginAsync(IBackplane one, IBackplane two) => new(await Speaker.OnAsync(one), await Speaker.OnAsync(two));

    /// <summary>Each sends the other so many numbers more, a hundred at a time.</summary>
    public async Task SayAsync(int count)
    {
        for (var end = _said + count; _said < end; _said++)
        {
            _one.Links.Send(_two.Id, new NumberItem(_said));
            _two.Links.Send(_one.Id, new NumberItem(_said));
            if (_said % 100 == 99)
                await Task.Yield();
        }
    }

    /// <summary>Waits until each has heard so many numbers of those that were sent.</summary>
    public Task HearAsync(int count) => Wait.Until(() => _one.Heard.Count >= count && _two.Heard.Count >= count, $"both nodes have heard {count} numbers");

    /// <summary>Waits for the last number, and asserts that each has heard every number once and in order, on one link.</summary>
    public async Task AssertAllArrivedOnceInOrderAsync()
    {
        await Wait.For(Task.WhenAll(_one.Links.FlushAsync(_two.Id, CancellationToken.None), _two.Links.FlushAsync(_one.Id, CancellationToken.None)), "all numbers to arrive");

        foreach (var speaker in new[] { _one, _two })
            Assert.Equal(Enumerable.Range(0, _said), speaker.Heard);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _one.DisposeAsync();
        await _two.DisposeAsync();
    }

    private sealed class Speaker : ILinkReceiver, IAsyncDisposable
    {
        private readonly IBackplane _backplane;
        private readonly NodeContext _context = new(new RunnelOptions(), TimeProvider.System, NullLogger.Instance);
        private ITopicSubscription? _inbox;

        private Speaker(IBackplane backplane)
        {
            _backplane = backplane;
            Links = new NodeLinks(_context, backplane, new NodeDirectory(_context, backplane, proof: null));
            Links.Register(LinkKind.ToWorker, this);
        }

        public NodeLinks Links { get; }

        public string Id => _context.Id;

        /// <summary>What it has heard; −1 where the link ended.</summary>
        public ConcurrentQueue<int> Heard { get; } = new();

        public static async Task<Speaker> OnAsync(IBackplane backplane)
        {
            var speaker = new Speaker(backplane);
            speaker._inbox = await backplane.SubscribeAsync(Topic.OfNode(speaker.Id), message => speaker.Links.TryTake(message.Payload), _ => speaker.Links.OnGap());
            speaker.Links.Open();
            return speaker;
        }

        public void OnMessage(string nodeId, ReadOnlyMemory<byte> body) => Heard.Enqueue(BinaryPrimitives.ReadInt32LittleEndian(body.Span));

        public void OnEnded(string nodeId) => Heard.Enqueue(-1);

        public async ValueTask DisposeAsync()
        {
            await Links.DisposeAsync();
            if (_inbox is not null)
                await _inbox.DisposeAsync();
        }
    }

    private sealed class NumberItem(int number) : LinkItem
    {
        public override LinkKind Kind => LinkKind.ToWorker;

        public override void WriteTo(IBufferWriter<byte> output)
        {
            BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(sizeof(int)), number);
            output.Advance(sizeof(int));
        }
    }
}
