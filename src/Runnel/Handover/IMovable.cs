namespace Runnel.Handover;

/// <summary>A connection that can go from one worker to another.</summary>
internal interface IMovable
{
    /// <summary>The name of the endpoint that the client asked for.</summary>
    string Endpoint { get; }

    /// <summary>The worker that has it; <see langword="null"/> while it waits for one.</summary>
    string? Worker { get; }

    /// <summary>Whether it can be asked back from its worker.</summary>
    bool CanMove { get; }

    /// <summary>Whether its worker was asked to give it back, and has not done so yet.</summary>
    bool IsAskedBack { get; }

    /// <summary>Asks the worker to give it back.</summary>
    void AskBack();
}
