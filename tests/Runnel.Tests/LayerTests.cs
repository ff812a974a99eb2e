using System.Reflection;
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Everything_that_fills_a_seam_is_disposed_however_that_is_done(bool asynchronously)
    {
        List<string> disposed = [];

        await new Layer
        {
            WorkQueue = Seam("queue"), Operator = Seam("operator"), State = Seam("states"), DirectChannels = Seam("channels"), Backplane = Seam("backplane"), ProofOfLife = Seam("proof"),
            Owned = new Part("store", disposed), Identity = _ => Task.FromResult(""),
        }.DisposeAsync();

        Assert.Equal(["backplane", "channels", "operator", "proof", "queue", "states"], disposed[..^1].Order());
        Assert.Equal("store", disposed[^1]);

        ISeams Seam(string name)
        {
            var seam = asynchronously ? (ISeams)DispatchProxy.Create<IAsynchronousSeams, SeamProxy>() : DispatchProxy.Create<ISynchronousSeams, SeamProxy>();
            ((SeamProxy)(object)seam).OnDispose = () => disposed.Add(name);
            return seam;
        }
    }

    [Fact]
    public async Task Layers_that_are_put_together_are_opened_and_disposed_once_each()
    {
        List<string> done = [];
        var (main, queue, state) = (Told("main"), Told("queue"), Told("state"));
        var (three, one) = (new LayerComposition(main, queue, state, TimeProvider.System), new LayerComposition(Told("alone"), queue: null, state: null, TimeProvider.System));

        foreach (var composition in (LayerComposition[])[three, one])
        {
            await composition.OpenAsync();
            await composition.DisposeAsync();
        }

        Assert.Equal(["main opens", "queue opens", "state opens", "state", "queue", "main", "alone opens", "alone"], done);

        Layer Told(string name) => new()
        {
            Owned = new Part(name, done),
            Open = _ =>
            {
                done.Add($"{name} opens");
                return Task.CompletedTask;
            },
            Identity = _ => Task.FromResult(name),
        };
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

    public interface ISeams : IWorkQueue, IWorkQueueOperator, IStateStore, IDirectChannels, IBackplane, IProofOfLife;

    public interface IAsynchronousSeams : ISeams, IAsyncDisposable;

    public interface ISynchronousSeams : ISeams, IDisposable;

    public class SeamProxy : DispatchProxy
    {
        public Action OnDispose { get; set; } = static () => { };

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            OnDispose();
            return targetMethod!.ReturnType == typeof(ValueTask) ? ValueTask.CompletedTask : null;
        }
    }

    private sealed class Part(string name, List<string> disposed) : ToyWorkQueue(new InMemoryWorkQueue(TimeProvider.System)), IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            disposed.Add(name);
            return ValueTask.CompletedTask;
        }
    }
}
