namespace Runnel.Links;

/// <summary>What an item of a link is about, and so who receives it. The numbers travel: never change one.</summary>
internal enum LinkKind : byte
{
    /// <summary>A worker says what it takes.</summary>
    Greeting = 1,

    /// <summary>From a gateway to the worker that has a connection.</summary>
    ToWorker = 2,

    /// <summary>From a worker to the gateway whose connection it has.</summary>
    ToGateway = 3,

    /// <summary>A part of a request, from a gateway to the worker that answers it.</summary>
    Request = 4,

    /// <summary>A part of a response, from a worker to the gateway that has the request.</summary>
    Response = 5,
}
