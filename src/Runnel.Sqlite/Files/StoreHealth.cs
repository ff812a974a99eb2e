using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Runnel.Sqlite.Files;

/// <summary>Whether the file can be written. The log is told when it begins to fail, once a minute while it lasts, and when it is over. The writer's thread only.</summary>
internal sealed class StoreHealth(string path, ILogger logger)
{
    private static readonly TimeSpan BetweenReports = TimeSpan.FromMinutes(1);

    // A small change may succeed between two that fail.
    private static readonly TimeSpan Proof = TimeSpan.FromSeconds(1);

    private bool _isWritten = true;
    private long _failed;
    private long? _reported;
    private long? _refused;

    /// <summary>Whether the file could be written lately.</summary>
    public bool IsConnected { get; private set; } = true;

    /// <summary>Whether nothing was written since the last failure, so that only an attempt can tell whether it is over.</summary>
    public bool NeedsProof => !IsConnected && !_isWritten && Stopwatch.GetElapsedTime(_failed) >= Proof;

    /// <summary>Raised when <see cref="IsConnected"/> has changed.</summary>
    public event Action? Changed;

    /// <summary>Something could not be written, and is tried again.</summary>
    public void Failed(Exception exception)
    {
        if (IsDue(ref _reported))
            Log.Interrupted(logger, path, exception);
        Interrupt();
    }

    /// <summary>Another process keeps this one from writing.</summary>
    public void Blocked(TimeSpan time)
    {
        if (IsDue(ref _reported))
            Log.Blocked(logger, path, time, LockHolder.Describe(path));
        Interrupt();
    }

    /// <summary>A caller was told that there is no room for what it has.</summary>
    public void Refused(Exception exception)
    {
        if (IsDue(ref _refused))
            Log.Full(logger, exception.Message);
    }

    /// <summary>Something was written.</summary>
    public void Written() => _isWritten = true;

    /// <summary>Notices that it is over.</summary>
    public void Look()
    {
        if (IsConnected || !_isWritten || Stopwatch.GetElapsedTime(_failed) < Proof)
            return;
        _reported = null;
        Log.Restored(logger, path); // first, as with a failure: whoever sees the change finds its reason in the log
        IsConnected = true;
        Changed?.Invoke();
    }

    private void Interrupt()
    {
        _failed = Stopwatch.GetTimestamp();
        _isWritten = false;
        if (!IsConnected)
            return;
        IsConnected = false;
        Changed?.Invoke();
    }

    private static bool IsDue(ref long? last)
    {
        if (last is { } before && Stopwatch.GetElapsedTime(before) < BetweenReports)
            return false;
        last = Stopwatch.GetTimestamp();
        return true;
    }
}
