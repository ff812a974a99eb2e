using System.Runtime.CompilerServices;
using Runnel.Layers;
using Runnel.RabbitMQ.Sending;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class ChangedMessagesTests
{
    private readonly ChangedMessages _changed = new(mostBytes: 10);
    private readonly MessageId _one = MessageId.New(TimeProvider.System), _other = MessageId.New(TimeProvider.System);

    [Fact]
    public void The_last_form_of_a_message_counts_until_it_is_what_its_queue_has()
    {
        _changed.Set(_one, [1]);
        _changed.Set(_one, [2]);
        Assert.Equal([2], _changed.Find(_one));

        _changed.Set(_one, []);

        Assert.Null(_changed.Find(_one));
        Assert.Null(_changed.Find(_other));
    }

    [Fact]
    public void The_oldest_message_goes_when_there_are_too_many_bytes_and_what_has_taken_its_place_stays()
    {
        _changed.Set(_one, new byte[4]);
        _changed.Set(_other, new byte[4]);
        _changed.Set(_one, new byte[5]);
        Assert.NotNull(_changed.Find(_other));

        _changed.Set(MessageId.New(TimeProvider.System), new byte[2]);

        Assert.Null(_changed.Find(_other));
        Assert.Equal(5, _changed.Find(_one)?.Length);
    }

    [Fact]
    public void What_is_not_handed_out_any_more_takes_no_memory()
    {
        var gone = SetAndTakeBack();

        GC.Collect();

        Assert.False(gone.IsAlive);
        GC.KeepAlive(_changed);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference SetAndTakeBack()
    {
        var bytes = new byte[5];
        _changed.Set(_one, bytes);
        _changed.Set(_one, []);
        return new WeakReference(bytes);
    }
}
