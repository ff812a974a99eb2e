namespace Runnel.Tests.Workers;

/// <summary>The processes of a test, which end with it.</summary>
internal sealed class WorkerApps : IAsyncDisposable
{
    private readonly List<WorkerApp> _apps = [];

    /// <summary>The first of them is 0.</summary>
    public WorkerApp this[int index] => _apps[index];

    public WorkerApp Add(WorkerApp app)
    {
        _apps.Add(app);
        return app;
    }

    public async Task<WorkerApp> StartAsync(WorkerApp app)
    {
        await Add(app).StartAsync();
        return app;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _apps)
            await app.DisposeAsync();
    }
}
