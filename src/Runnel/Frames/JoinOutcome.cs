namespace Runnel;

/// <summary>What became of a connection's messages of a group when it joined.</summary>
public enum JoinOutcome
{
    /// <summary>The client begins: it has shown no position of this group. Clients that do not speak <c>runnel.v1</c> and groups without history always begin.</summary>
    New,

    /// <summary>The client comes back, and misses nothing: what was sent since its position follows when <c>OnConnectAsync</c> has returned.</summary>
    Recovered,

    /// <summary>The client comes back, and messages since its position are missing. It needs the present state.</summary>
    Gap,
}
