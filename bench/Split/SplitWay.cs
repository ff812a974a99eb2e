namespace Runnel.Bench;

/// <summary>How an application is run.</summary>
internal enum SplitWay
{
    /// <summary><c>runserver</c>.</summary>
    OneProcess,

    /// <summary><c>runserver --noworker</c> and one <c>runworker</c>.</summary>
    Split,
}
