namespace Runnel.Bench;

/// <summary>How long clients took to come back, in milliseconds.</summary>
internal sealed record ReturnFigures(int Attached, int CaughtUp, double AttachedP50, double AttachedLast, double CaughtUpP50, double CaughtUpP99, double CaughtUpLast);
