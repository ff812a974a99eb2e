using Microsoft.Extensions.Logging.Abstractions;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Toy;
using Xunit;

namespace Runnel.Tests;

public sealed class LayerTests
{
    private readonly TaskCompletionSource _connecting = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _opened;

    [Fact]
    public async Task A_layer_is_opened_once_however_many_ask()
    {
        await using var layer = LayerOf(_ => _connecting.Task);

        Task[] callers = [layer.OpenAsync(), layer.OpenAsync()];
        Assert.DoesNotContain(callers, caller => caller.IsCompleted);
        _connecting.SetResult();
        await Task.WhenAll([.. callers, layer.OpenAsync()]);

        Assert.Equal(1, _opened);
    }

    [Fact]
    public async Task A_layer_that_could_not_be_opened_is_opened_by_the_next_call()
    {
        await using var layer = LayerOf(_ => _opened == 1 ? throw new IOException("Nothing answers.") : Task.CompletedTask);

        var failure = await Assert.ThrowsAsync<IOException>(() => layer.OpenAsync());
        await layer.OpenAsync();

        Assert.Equal(("Nothing answers.", 2), (failure.Message, _opened));
    }

    [Fact]
    public async Task Whoever_no_longer_waits_for_a_layer_to_open_says_so_to_it()
    {
        await using var layer = LayerOf(cancellationToken => _connecting.Task.WaitAsync(cancellationToken));
        using var impatient = new CancellationTokenSource();

        var opening = layer.OpenAsync(impatient.Token);
        await impatient.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
    }

    [Fact]
    public async Task What_fills_several_seams_is_disposed_once_and_what_they_stand_on_last()
    {
        List<string> disposed = [];
        var (seams, store) = (new Part("seams", disposed), new Part("store", disposed));

        await new Layer { WorkQueue = seams, Operator = seams, Owned = store, Identity = _ => Task.FromResult("") }.DisposeAsync();

        Assert.Equal(["seams", "store"], disposed);
    }

    [Fact]
    public async Task Two_layers_in_memory_are_not_the_same()
    {
        await using var one = new InMemoryLayerFactory().Create("memory:", TimeProvider.System, NullLoggerFactory.Instance);
        await using var two = new InMemoryLayerFactory().Create("memory:", TimeProvider.System, NullLoggerFactory.Instance);

        Assert.NotEqual(await one.Identity(default), await two.Identity(default));
        Assert.Equal(await one.Identity(default), await one.Identity(default));
    }

    private Layer LayerOf(Func<CancellationToken, Task> open) => new()
    {
        Backplane = new InMemoryBackplane(TimeProvider.System),
        Open = cancellationToken =>
        {
            _opened++;
            return open(cancellationToken);
        },
        Identity = _ => Task.FromResult("test"),
    };

    private sealed class Part(string name, List<string> disposed) : ToyWorkQueue(new InMemoryWorkQueue(TimeProvider.System)), IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            disposed.Add(name);
            return ValueTask.CompletedTask;
        }
    }
}
