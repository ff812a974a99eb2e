using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.EntityFrameworkCore;

/// <summary>The groups that did not get a change because the layer was away: their members are told as soon as the layer can, so that no page goes on showing what is no longer true.</summary>
internal sealed class LostChanges(IServiceProvider services, TimeProvider timeProvider, ILogger<LostChanges> logger) : IDisposable
{
    /// <summary>How many groups are remembered. The members of any others are not told.</summary>
    public const int MostGroups = 10_000;

    /// <summary>How long it waits after it could not tell a group.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly HashSet<GroupName> _owed = [];
    private readonly Queue<GroupName> _turns = []; // the same groups: one that could not be told goes behind the others
    private readonly CancellationTokenSource _ending = new();
    private bool _isTelling;

    /// <summary>A change did not get to a group.</summary>
    public void Add(GroupName group)
    {
        lock (_lock)
        {
            if (_owed.Contains(group))
                return;
            if (_owed.Count == MostGroups)
            {
                Log.GapUntold(logger, group.Value, MostGroups);
                return;
            }
            _owed.Add(group);
            _turns.Enqueue(group);
            if (_isTelling)
                return;
            _isTelling = true;
        }
        _ = Task.Run(TellAsync);
    }

    public void Dispose() => _ending.Cancel();

    private async Task TellAsync()
    {
        var groups = services.GetRequiredService<IGroups>();
        while (Take() is { } group)
        {
            try
            {
                await groups.SendGapAsync(group, _ending.Token);
                Log.GapTold(logger, group.Value);
            }
            catch (Exception) when (_ending.IsCancellationRequested)
            {
                return;
            }
            catch (BackplaneUnavailableException exception)
            {
                Add(group);
                Log.GapNotYetTold(logger, group.Value, Rest, exception.Message);
                await Task.Delay(Rest, timeProvider, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception exception)
            {
                Log.GapUntellable(logger, exception, group.Value);
            }
        }
    }

    // Taken before it is told: a change that is lost meanwhile is told anew.
    private GroupName? Take()
    {
        lock (_lock)
        {
            _isTelling = _turns.TryDequeue(out var group);
            if (!_isTelling)
                return null;
            _owed.Remove(group);
            return group;
        }
    }
}
