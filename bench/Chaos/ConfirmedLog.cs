using System.Globalization;
using System.Text;

namespace Runnel.Bench;

/// <summary>A producer's ledger: a number is in it when the disk says so. Many callers share one confirmation, as the store itself does.</summary>
internal sealed class ConfirmedLog : IDisposable
{
    private readonly FileStream _file;
    private readonly StringBuilder _lines = new();
    private readonly Lock _lock = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isWriting;

    public ConfirmedLog(string path) => _file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);

    public Task WriteAsync(long number)
    {
        Task written;
        lock (_lock)
        {
            _lines.Append(CultureInfo.InvariantCulture, $"{number}\n");
            written = _next.Task;
            if (_isWriting)
                return written;
            _isWriting = true;
        }
        _ = Task.Run(WriteAll);
        return written;
    }

    public void Dispose() => _file.Dispose();

    private void WriteAll()
    {
        while (true)
        {
            byte[] bytes;
            TaskCompletionSource written;
            lock (_lock)
            {
                if (_lines.Length == 0)
                {
                    _isWriting = false;
                    return;
                }
                (bytes, written, _next) = (Encoding.ASCII.GetBytes(_lines.ToString()), _next, new(TaskCreationOptions.RunContinuationsAsynchronously));
                _lines.Clear();
            }
            _file.Write(bytes);
            _file.Flush(flushToDisk: true);
            written.SetResult();
        }
    }
}
