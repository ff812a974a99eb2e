namespace Runnel.Sqlite;

/// <summary>What a stored message survives.</summary>
public enum SqliteSynchronous
{
    /// <summary>The disk has confirmed a message before the call that stored it returns: it survives a power cut.</summary>
    Full,

    /// <summary>
    /// The disk is asked to confirm only now and then. Everything survives the death of any process; a power cut or a crash of the operating system
    /// may take what was stored in the moments before it, in whole transactions.
    /// </summary>
    Normal,
}
