using Runnel.Layers;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ.Receiving;

internal sealed partial class WorkerChannel
{
    public ValueTask<bool> CompleteAsync(RabbitClaim claim)
    {
        var isMine = Acknowledge(claim.Delivery);
        Settled(claim.Delivery);
        return new(isMine);
    }

    /// <summary>A message without a key is stored anew, at the end of its queue or for later, and then acknowledged; one with a key keeps its place, and waits here.</summary>
    public async ValueTask<bool> AbandonAsync(RabbitClaim claim, AbandonOptions options)
    {
        var delivery = claim.Delivery;
        if (!delivery.Consumer.IsOpen)
            return false;
        var changed = delivery.Changed(options.CountsAttempt, options.Body);
        if (!delivery.Consumer.IsShard)
            return await ReplaceAsync(claim, () => StoreAgainAsync(changed, options.Delay)).ConfigureAwait(false);
        delivery.Change(changed);
        delivery.IsChanged |= options.Body is not null || options.Delay > TimeSpan.Zero;
        // It stays where it is, as it is, so that what has changed would be lost with this worker.
        if ((options.CountsAttempt || delivery.IsNoted) && !await PatientlyAsync(delivery, () => _worker.Notes.WriteAsync([delivery.NoteOf(isDeath: options.CountsAttempt)])).ConfigureAwait(false))
            return false;
        delivery.IsNoted = false;
        lock (_lock)
        {
            if (!delivery.Consumer.IsOpen)
                return false;
            _inHand.Remove(delivery);
            _lanes.GiveBack(delivery, options.Delay);
            Serve();
        }
        Signal();
        return true;
    }

    public ValueTask<bool> DeadLetterAsync(RabbitClaim claim, DeadLetterReason reason, string? error)
    {
        var letter = claim.Delivery.Changed(HandlingRule.CountsAttempt(reason), body: null);
        return ReplaceAsync(claim, StoreAsync);

        // A letter that is replayed comes as it is, and not as a worker once left it, and what it counted before counts no more.
        async Task StoreAsync()
        {
            if (claim.Delivery.Consumer.IsShard)
                await _worker.Notes.ForgetAsync(claim.Delivery.Envelope.Id).ConfigureAwait(false);
            await _sender.PutAsync(_queues.Dead, DeadLetters.Properties(letter, reason, error, _timeProvider.GetUtcNow()), letter.Bytes).ConfigureAwait(false);
        }
    }

    private Task StoreAgainAsync(StoredMessage message, TimeSpan delay) => delay > TimeSpan.Zero
        ? _sender.PutLaterAsync(_queues.Plain.Name, message, DelayLadder.MillisecondsOf(delay))
        : _sender.PutAsync(_queues.Plain, message);

    // If the process dies between the two, the message is there twice, and never lost.
    private async ValueTask<bool> ReplaceAsync(RabbitClaim claim, Func<Task> storeAsync)
    {
        if (!claim.Delivery.Consumer.IsOpen)
            return false;
        try
        {
            if (!await PatientlyAsync(claim.Delivery, storeAsync).ConfigureAwait(false))
                return false;
        }
        catch
        {
            claim.Unsettle();
            throw;
        }
        Acknowledge(claim.Delivery);
        Settled(claim.Delivery);
        return true;
    }

    // A broker may take no messages for long while this worker's lease goes on: what was not settled then would stay in its hands for as long as it lives.
    private async Task<bool> PatientlyAsync(Delivery delivery, Func<Task> storeAsync)
    {
        while (true)
        {
            try
            {
                await storeAsync().ConfigureAwait(false);
                return true;
            }
            catch (RabbitUnavailableException exception) when (!RabbitExplanation.IsRefusal(exception))
            {
                if (!delivery.Consumer.IsOpen || _stopping.IsCancellationRequested)
                    return false; // the broker has it again, or gets it as the worker leaves
            }
            await Task.Delay(Rest, TimeProvider.System, _stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Settled(Delivery delivery)
    {
        bool isMore;
        lock (_lock)
        {
            if (!_inHand.Remove(delivery))
                return;
            delivery.Consumer.Held--;
            if (delivery.Consumer.IsShard)
                _lanes.Remove(delivery);
            Serve();
            isMore = _waiting.Count > 0 || delivery.Consumer.IsLeaving || (delivery.Consumer.IsShard && _lanes.Count == 0);
        }
        if (isMore)
            Signal();
    }
}
