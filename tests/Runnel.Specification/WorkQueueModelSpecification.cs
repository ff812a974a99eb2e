using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

/// <summary>The promises of a work queue, and beside them a model that it is compared with, step by step: for a layer whose clock the test moves.</summary>
public abstract class WorkQueueModelSpecification : WorkQueueSpecification
{
    /// <summary>The seed is in the test's name: what fails once fails again.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Whatever_is_done_in_whatever_order_the_queue_does_what_its_model_does(int seed)
    {
        var run = new ModelRun(this, new Random(seed));

        for (var step = 0; step < 600; step++)
        {
            await run.StepAsync();
            await run.CompareAsync($"seed {seed}, step {step}");
        }
        await run.FinishAsync();

        await AssertNothingHeldAsync();
    }

    private sealed class ModelRun(WorkQueueModelSpecification suite, Random random)
    {
        private readonly QueueModel _model = new();
        private readonly List<IWorkReceiver> _workers = [];
        private readonly List<(IWorkReceiver Lease, ReceivedMessage Message)> _claims = [];
        private readonly List<(IWorkReceiver Lease, ReceivedMessage Message)> _over = [];

        public async Task StepAsync()
        {
            _model.Now = suite.Clock.Now;
            while (_workers.Count < 3)
                _workers.Add(await suite.WorkerAsync());
            await (random.Next(20) switch
            {
                < 5 => EnqueueAsync(),
                < 9 => ReceiveAsync(_workers[random.Next(3)]),
                < 15 => SettleAsync(),
                15 when suite.Queue.Features.HasFlag(WorkQueueFeatures.Cancel) => CancelAsync(),
                15 => SettleAsync(),
                16 => LeaveAsync(dies: random.Next(2) == 0),
                17 => ReplayAsync(),
                18 => SettleAgainAsync(),
                _ => AdvanceAsync(),
            });
        }

        public async Task CompareAsync(string when)
        {
            var status = await suite.StatusAsync();
            var real = status is null ? default : (status.Ready, status.Scheduled, status.Blocked, status.InFlight, status.Dead);
            Assert.True(real == _model.Count(), $"At {when} the queue has {real}, its model {_model.Count()}.");
        }

        /// <summary>Settles everything that is left: nothing is stuck, nothing is lost.</summary>
        public async Task FinishAsync()
        {
            foreach (var (lease, message) in _claims)
                Assert.True(await lease.CompleteAsync(message));
            foreach (var entry in _model.Entries.Where(entry => entry.State == QueueModel.State.Claimed))
                entry.State = QueueModel.State.Gone;
            _claims.Clear();
            await ReplayAsync();
            await suite.Clock.AdvanceAsync(20);
            _model.Now = suite.Clock.Now;
            _model.Expire();
            while (_model.Entries.Any(entry => entry.State == QueueModel.State.Held))
            {
                await ReceiveAsync(_workers[0]);
                foreach (var (lease, message) in _claims)
                {
                    Assert.True(await lease.CompleteAsync(message));
                    _model.Find(message.Id)!.State = QueueModel.State.Gone;
                }
                _claims.Clear();
            }
        }

        private async Task EnqueueAsync()
        {
            for (var count = random.Next(1, 4); count > 0; count--)
            {
                var envelope = suite.Of("x", random.Next(3) == 0 ? null : $"k{random.Next(4)}") with
                {
                    NotBefore = random.Next(6) == 0 ? _model.Now + suite.Clock.Units(random.Next(1, 4)) : null,
                    Delay = random.Next(6) == 0 ? suite.Clock.Units(random.Next(1, 4)) : default,
                    ExpiresAt = random.Next(8) == 0 ? _model.Now + suite.Clock.Units(random.Next(1, 6)) : null,
                    TimeToLive = random.Next(8) == 0 ? suite.Clock.Units(random.Next(1, 6)) : null,
                };
                await suite.EnqueueAsync(envelope);
                _model.Store(envelope);
            }
        }

        private async Task ReceiveAsync(IWorkReceiver lease)
        {
            var ready = _model.Entries.Where(_model.IsReady).ToList();
            if (ready.Count == 0)
                return;
            foreach (var message in await TakeAsync(lease, random.Next(1, 6)))
            {
                var entry = _model.Find(message.Id)!;
                Assert.Contains(entry, ready);
                Assert.Equal((entry.Attempt, entry.Crashes), (message.Envelope.Attempt, message.Envelope.Crashes));
                entry.State = QueueModel.State.Claimed;
                _claims.Add((lease, message));
            }
        }

        private async Task SettleAsync()
        {
            if (_claims.Count == 0)
                return;
            var (lease, message) = _claims[random.Next(_claims.Count)];
            _claims.Remove((lease, message));
            _over.Add((lease, message));
            var entry = _model.Find(message.Id)!;
            switch (random.Next(6))
            {
                case 0:
                    var delay = suite.Clock.Units(random.Next(3));
                    Assert.True(await lease.AbandonAsync(message, new AbandonOptions { Delay = delay }));
                    _model.GiveBack(entry, delay, countsAttempt: true);
                    break;
                case 1:
                    Assert.True(await lease.AbandonAsync(message, AbandonOptions.Untouched));
                    _model.GiveBack(entry, TimeSpan.Zero, countsAttempt: false);
                    break;
                case 2:
                    Assert.True(await lease.DeadLetterAsync(message, DeadLetterReason.Rejected, null));
                    _model.PutAside(entry);
                    break;
                default:
                    Assert.True(await lease.CompleteAsync(message));
                    entry.State = QueueModel.State.Gone;
                    break;
            }
        }

        private async Task SettleAgainAsync()
        {
            if (_over.Count == 0)
                return;
            var (lease, message) = _over[random.Next(_over.Count)];
            Assert.False(await lease.CompleteAsync(message));
            Assert.False(await lease.AbandonAsync(message, new AbandonOptions()));
        }

        private async Task CancelAsync()
        {
            // One that is there, in whatever state, or one that was settled before and may be anywhere or nowhere.
            var ids = random.Next(4) > 0 ? _model.Entries.Select(entry => entry.Id).ToList() : _over.ConvertAll(claim => claim.Message.Id);
            if (ids.Count == 0)
                return;
            var id = ids[random.Next(ids.Count)];
            var entry = _model.Find(id);
            Assert.Equal(entry is { State: QueueModel.State.Held }, await suite.Queue.CancelAsync(Channel, id));
            if (entry is { State: QueueModel.State.Held })
                entry.State = QueueModel.State.Gone;
        }

        private async Task LeaveAsync(bool dies)
        {
            var lease = _workers[random.Next(_workers.Count)];
            _workers.Remove(lease);
            if (dies)
                await suite.CrashAsync(lease);
            else
                await lease.DisposeAsync();
            // In the order of the list, which is that of their deaths if they die of it.
            foreach (var entry in _model.Entries.Where(entry => _claims.Any(claim => claim.Lease == lease && claim.Message.Id == entry.Id)).ToList())
            {
                if (dies)
                    _model.Crash(entry);
                else
                    _model.GiveBack(entry, TimeSpan.Zero, countsAttempt: false);
            }
            _over.AddRange(_claims.Where(claim => claim.Lease == lease));
            _claims.RemoveAll(claim => claim.Lease == lease);
        }

        private async Task ReplayAsync() => Assert.Equal(_model.Replay(), await suite.Operator.ReplayAsync(Channel, DeadLetterFilter.All));

        private async Task AdvanceAsync()
        {
            await suite.Clock.AdvanceAsync(random.Next(1, 3));
            _model.Now = suite.Clock.Now;
            _model.Expire();
        }
    }
}
