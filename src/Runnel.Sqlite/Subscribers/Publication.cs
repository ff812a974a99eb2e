using Runnel.Layers;

namespace Runnel.Sqlite.Subscribers;

/// <summary>A message of the backplane.</summary>
internal readonly record struct Publication(string Topic, BackplaneMessage Message);
