namespace Runnel.Layers;

/// <summary>What a topic is for. Topics of different kinds never share a name, so an application may name its groups as it likes.</summary>
public enum TopicKind
{
    /// <summary>A group of the application.</summary>
    Group,

    /// <summary>The inbox of one node.</summary>
    Node,

    /// <summary>A state that is remembered.</summary>
    State,

    /// <summary>Something of Runnel's own, such as requests to cancel a job.</summary>
    Runnel,
}
