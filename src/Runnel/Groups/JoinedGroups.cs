namespace Runnel.Groups;

/// <summary>The groups of one connection. Most connections are in one group, so one group costs no object. A value, guarded by its member.</summary>
internal struct JoinedGroups
{
    private object? _groups; // a Group, or a HashSet<Group> from the second on

    public bool IsEnded { get; private set; }

    public readonly int Count => _groups switch { null => 0, HashSet<Group> many => many.Count, _ => 1 };

    public readonly bool Contains(Group group) => _groups is HashSet<Group> many ? many.Contains(group) : ReferenceEquals(_groups, group);

    public bool Add(Group group)
    {
        switch (_groups)
        {
            case null:
                _groups = group;
                return true;
            case HashSet<Group> many:
                return many.Add(group);
            case Group one when ReferenceEquals(one, group):
                return false;
            case Group one:
                _groups = new HashSet<Group> { one, group };
                return true;
            default:
                throw new InvalidOperationException("A connection's groups are a group or a set of groups.");
        }
    }

    public bool Remove(Group group)
    {
        if (_groups is HashSet<Group> many)
            return many.Remove(group);
        if (!ReferenceEquals(_groups, group))
            return false;
        _groups = null;
        return true;
    }

    /// <summary>Forgets the groups. From here on, none can be joined.</summary>
    /// <returns>The groups that were joined.</returns>
    public Group[] End()
    {
        var groups = _groups switch { null => [], HashSet<Group> many => [.. many], var one => new[] { (Group)one } };
        (_groups, IsEnded) = (null, true);
        return groups;
    }
}
