using System.Runtime.CompilerServices;
using Runnel.Layers;
using Runnel.RabbitMQ.Sending;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class MessageMemoryTests
{
    private readonly MessageMemory<byte[]> _memory = new(most: 10, static bytes => bytes.Length);
    private readonly MessageId _one = MessageId.New(TimeProvider.System), _other = MessageId.New(TimeProvider.System);

    [Fact]
    public void What_was_last_said_of_a_message_counts_until_it_is_forgotten()
    {
        _memory.Set(_one, [1]);
        _memory.Set(_one, [2]);
        Assert.Equal([2], Find(_one));

        _memory.Forget(_one);

        Assert.Null(Find(_one));
        Assert.Null(Find(_other));
    }

    [Fact]
    public void What_was_said_longest_ago_goes_when_there_is_too_much_and_what_was_said_anew_stays()
    {
        _memory.Set(_one, new byte[4]);
        _memory.Set(_other, new byte[4]);
        _memory.Set(_one, new byte[5]);
        Assert.NotNull(Find(_other));

        _memory.Set(MessageId.New(TimeProvider.System), new byte[2]);

        Assert.Null(Find(_other));
        Assert.Equal(5, Find(_one)?.Length);
    }

    [Fact]
    public void What_was_forgotten_and_is_said_anew_is_as_young_as_any()
    {
        _memory.Set(_one, new byte[4]);
        _memory.Forget(_one);
        _memory.Set(_other, new byte[4]);
        _memory.Set(_one, new byte[4]);

        _memory.Set(MessageId.New(TimeProvider.System), new byte[4]);

        Assert.Null(Find(_other));
        Assert.NotNull(Find(_one));
    }

    [Fact]
    public void What_is_forgotten_takes_no_memory()
    {
        var gone = SetAndForget();

        GC.Collect();

        Assert.False(gone.IsAlive);
        GC.KeepAlive(_memory);
    }

    private byte[]? Find(MessageId id) => _memory.TryFind(id, out var bytes) ? bytes : null;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference SetAndForget()
    {
        var bytes = new byte[5];
        _memory.Set(_one, bytes);
        _memory.Forget(_one);
        return new WeakReference(bytes);
    }
}
