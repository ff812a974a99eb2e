using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel;

/// <summary>Tells the other nodes, at the start, where this one keeps its states. One that keeps them elsewhere answers, and then this node stops: neither would see the other's states.</summary>
/// <remarks>The start does not wait for an answer. Nodes that were there before go on, whatever a new one says.</remarks>
internal sealed class StateGreeting(NodeContext node, ConfiguredLayer layer, IBackplane backplane, IStateStore states, IHostApplicationLifetime lifetime) : IHostedLifecycleService
{
    private static readonly Topic Greetings = Topic.OfRunnel("greetings");

    private IAsyncDisposable? _subscription;
    private string? _identity;

    // After the layer has been opened, and before anything asks for a state.
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        // An application that brings seams of its own has states of which the layer knows nothing.
        if (!backplane.Features.HasFlag(BackplaneFeatures.ScaleOut) || !layer.Fills(backplane, states) || await layer.GetStateIdentityAsync(cancellationToken) is not { } identity)
            return;
        _identity = identity;
        _subscription = await backplane.SubscribeAsync(Greetings, OnMessage, cancellationToken);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // An answer that came earlier would break off the start, and not stop what has started.
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        if (_identity is null)
            return;
        try
        {
            await PublishAsync(new Greeting(node.Id, _identity, To: null), cancellationToken);
        }
        catch (BackplaneUnavailableException exception)
        {
            Log.GreetingFailed(node.Logger, exception);
        }
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (_subscription is not null)
            await _subscription.DisposeAsync();
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
        if (greeting is null || greeting.From == node.Id || greeting.Identity == _identity)
            return;
        if (greeting.To is null)
            _ = AnswerAsync(greeting.From);
        else if (greeting.To == node.Id)
            Stop(greeting);
    }

    private async Task AnswerAsync(string to)
    {
        try
        {
            await PublishAsync(new Greeting(node.Id, _identity!, to), CancellationToken.None);
        }
        catch (Exception exception)
        {
            Log.AnswerFailed(node.Logger, exception, to);
        }
    }

    private void Stop(Greeting answer)
    {
        layer.Failure = $"This process keeps its states in {_identity}, and {answer.From} keeps them in {answer.Identity}, so that neither would see the other's. "
            + "Give all processes of the application the same layer for states (--state-layer, Runnel:StateLayer), and start this one again.";
        Log.StatesElsewhere(node.Logger, layer.Failure);
        lifetime.StopApplication();
    }

    private async Task PublishAsync(Greeting greeting, CancellationToken cancellationToken)
    {
        var message = new Message(InboxSender.OwnTypes + "greeting", JsonSerializer.SerializeToUtf8Bytes(greeting));
        await backplane.PublishAsync(Greetings, EnvelopeFormat.Encode(new Envelope(message)), retention: null, cancellationToken);
    }

    /// <param name="From">The node that speaks.</param>
    /// <param name="Identity">Where it keeps its states.</param>
    /// <param name="To">The node that is answered; <see langword="null"/>: all are greeted.</param>
    private sealed record Greeting(string From, string Identity, string? To);
}
