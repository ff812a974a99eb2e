namespace Runnel.AspNetCore.Admission;

/// <summary>Whether there is room for one more socket.</summary>
internal enum ConnectionAdmission
{
    /// <summary>There is; it is counted.</summary>
    Admitted,

    /// <summary>The node has as many as it may.</summary>
    NodeFull,

    /// <summary>The remote address has as many as it may.</summary>
    AddressFull,

    /// <summary>The node takes no more in this second.</summary>
    TooManyASecond,

    /// <summary>As many sockets are being connected as may be.</summary>
    TooManyHandshakes,
}
