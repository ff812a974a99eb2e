namespace Runnel.RabbitMQ.Connections;

/// <summary>Something that has to be done regularly, however busy the process is.</summary>
internal interface IBeating
{
    /// <summary>Called by the heart, on its thread. It must not wait for anything.</summary>
    /// <param name="stoodStill">Whether this process stood still before, for so long that others took it for dead.</param>
    void Beat(bool stoodStill);
}
