using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel;

/// <summary>Tells the other nodes, at the start, where this one keeps its states. One that keeps them elsewhere answers, and then this node stops: neither would see the other's states.</summary>
/// <remarks>
/// The start does not wait for an answer. Nodes that were there before go on, whatever a new one says. Nodes that both keep their states in the layer for groups are not compared:
/// they hear each other through it, so they share it. A layer that lost its data has another identity than before, so each side reads its own again before it objects.
/// </remarks>
internal sealed class StateGreeting(NodeContext node, ConfiguredLayer layer, IBackplane backplane, IStateStore states, IHostApplicationLifetime lifetime) : IHostedLifecycleService
{
    private static readonly Topic Greetings = Topic.OfRunnel("greetings");

    private IAsyncDisposable? _subscription;
    private volatile string? _identity;
    private volatile bool _hasGreeted;

    // After the layer has been opened, and before anything asks for a state.
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        // An application that brings seams of its own has states of which the layer knows nothing.
        if (!backplane.Features.HasFlag(BackplaneFeatures.ScaleOut) || !layer.Fills(backplane, states))
            return;
        _identity = await layer.GetStateIdentityAsync(cancellationToken);
        if (_identity is not null)
            _subscription = await backplane.SubscribeAsync(Greetings, OnMessage, cancellationToken);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // An answer that came earlier would break off the start, and not stop what has started.
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        if (_subscription is null)
            return;
        backplane.StateChanged += OnStateChanged;
        await GreetAsync(cancellationToken);
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        backplane.StateChanged -= OnStateChanged;
        if (_subscription is not null)
            await _subscription.DisposeAsync().AsTask().WaitAsync(cancellationToken);
    }

    // Only once: a node that greeted at each reconnection would be new each time, and stop for one that came later.
    private void OnStateChanged(BackplaneState state)
    {
        if (state == BackplaneState.Connected && !_hasGreeted)
            _ = GreetAsync(CancellationToken.None);
    }

    private void OnMessage(BackplaneMessage received)
    {
        Greeting? greeting;
        try
        {
            greeting = JsonSerializer.Deserialize<Greeting>(EnvelopeFormat.Decode(received.Payload).Message.Body.Span);
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            return; // of a version that greets otherwise
        }
        if (greeting is null || greeting.From == node.Id || greeting.Identity == _identity || (greeting.MainRemembers && layer.MainRemembers))
            return;
        // A node that stops has no say: those that replace it may keep their states elsewhere.
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            return;
        if (greeting.To is null)
            _ = AnswerAsync(greeting);
        else if (greeting.To == node.Id)
            _ = HearAsync(greeting);
    }

    private async Task GreetAsync(CancellationToken cancellationToken)
    {
        try
        {
            _identity = await layer.GetStateIdentityAsync(cancellationToken);
            await PublishAsync(to: null, cancellationToken);
            _hasGreeted = true;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            _hasGreeted = false;
            Log.GreetingFailed(node.Logger, exception);
        }
    }

    private async Task AnswerAsync(Greeting greeting)
    {
        try
        {
            _identity = await layer.GetStateIdentityAsync(CancellationToken.None);
            if (_identity != greeting.Identity)
                await PublishAsync(greeting.From, CancellationToken.None);
        }
        catch (Exception exception)
        {
            Log.AnswerFailed(node.Logger, exception, greeting.From);
        }
    }

    private async Task HearAsync(Greeting answer)
    {
        var greeted = _identity;
        try
        {
            _identity = await layer.GetStateIdentityAsync(CancellationToken.None);
        }
        catch (Exception exception)
        {
            _hasGreeted = false;
            Log.GreetingFailed(node.Logger, exception);
            return;
        }
        if (_identity == answer.Identity)
            return;
        if (_identity == greeted)
            Stop(answer);
        else
            await GreetAsync(CancellationToken.None); // the layer lost its data meanwhile, so the answer was to something else
    }

    private void Stop(Greeting answer)
    {
        layer.Failure = $"This process keeps its states in {_identity}, and {answer.From} keeps them in {answer.Identity}, so that neither would see the other's. "
            + "Give all processes of the application the same layer for states (--state-layer, Runnel:StateLayer), and start this one again.";
        Log.StatesElsewhere(node.Logger, layer.Failure);
        lifetime.StopApplication();
    }

    private async Task PublishAsync(string? to, CancellationToken cancellationToken)
    {
        var greeting = new Greeting(node.Id, _identity!, layer.MainRemembers, to);
        var message = new Message(InboxSender.OwnTypes + "greeting", JsonSerializer.SerializeToUtf8Bytes(greeting));
        await backplane.PublishAsync(Greetings, EnvelopeFormat.Encode(new Envelope(message)), retention: null, cancellationToken);
    }

    /// <param name="From">The node that speaks.</param>
    /// <param name="Identity">Where it keeps its states.</param>
    /// <param name="MainRemembers">Whether that is the layer for groups.</param>
    /// <param name="To">The node that is answered; <see langword="null"/>: all are greeted.</param>
    private sealed record Greeting(string From, string Identity, bool MainRemembers, string? To);
}
