namespace Runnel.Exchanges;

/// <summary>What nodes say to each other of an exchange. The numbers travel: never change one.</summary>
internal enum ExchangeStep : byte
{
    /// <summary>A gateway asks: the channel, and the head of the request.</summary>
    Begin = 1,

    /// <summary>A part of the request or of the response.</summary>
    Chunk = 2,

    /// <summary>Whoever says this has sent all.</summary>
    Complete = 3,

    /// <summary>So many bytes have been taken, so as many more may be sent.</summary>
    Taken = 4,

    /// <summary>Whoever says this gives up.</summary>
    Abort = 5,

    /// <summary>A worker has not begun with the request, and does not: another one may.</summary>
    Refuse = 6,
}
