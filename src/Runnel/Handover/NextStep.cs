namespace Runnel.Handover;

/// <summary>What becomes of a connection that has lost its owner.</summary>
internal enum NextStep
{
    /// <summary>It is over already.</summary>
    Nothing,

    /// <summary>Another worker gets it.</summary>
    HandOut,

    /// <summary>Its consumer cannot be adopted: it is closed with 1012, and its client comes back.</summary>
    Restart,

    /// <summary>Too many workers have died with it: it is closed with 1011.</summary>
    Fail,
}
