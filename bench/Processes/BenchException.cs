namespace Runnel.Bench;

/// <summary>The run cannot be made, or its figures would compare with nothing; the message is for the person who started it.</summary>
internal sealed class BenchException(string message) : Exception(message);
