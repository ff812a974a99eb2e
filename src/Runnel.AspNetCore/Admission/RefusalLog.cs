using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Runnel.AspNetCore.Admission;

/// <summary>Logs that connections find no room: once in five seconds for each reason, because they come by the thousands.</summary>
internal sealed class RefusalLog(ILogger<RefusalLog> logger, TimeProvider timeProvider)
{
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    private readonly Dictionary<ConnectionAdmission, (long At, int Untold)> _told = [];

    /// <summary>A connection was refused.</summary>
    public void NoRoom(PathString path, ConnectionAdmission admission)
    {
        int untold;
        lock (_told)
        {
            if (_told.TryGetValue(admission, out var last) && timeProvider.GetElapsedTime(last.At) < Rest)
            {
                _told[admission] = last with { Untold = last.Untold + 1 };
                return;
            }
            untold = last.Untold;
            _told[admission] = (timeProvider.GetTimestamp(), 0);
        }
        Log.NoRoom(logger, path, admission, untold);
    }
}
