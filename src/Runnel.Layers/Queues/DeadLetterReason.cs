namespace Runnel.Layers;

/// <summary>Why a message was put aside.</summary>
public enum DeadLetterReason
{
    /// <summary>Its handler failed as often as the channel's retry policy allows.</summary>
    AttemptsExhausted,

    /// <summary>Workers died holding it, as often as is allowed.</summary>
    WorkerDied,

    /// <summary>Its handler said that it can never succeed.</summary>
    Rejected,

    /// <summary>Nobody here knows messages of its type.</summary>
    UnknownType,

    /// <summary>Its body could not be read as what its type says.</summary>
    Unreadable,
}
