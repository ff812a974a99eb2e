namespace Runnel.Redis.Sending;

/// <summary>Somebody here who receives from a channel.</summary>
internal interface IChannelListener
{
    /// <summary>Whether it waits for messages.</summary>
    bool IsWaiting { get; }

    /// <summary>There may be messages.</summary>
    void Look();
}
