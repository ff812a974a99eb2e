using System.Collections.Concurrent;

namespace Runnel.Groups;

/// <summary>The members on this node by the numbers of their connections, for what is sent to one connection alone.</summary>
internal sealed class MemberTable
{
    private readonly ConcurrentDictionary<long, GroupMember> _members = new();

    public int Count => _members.Count;

    public void Add(GroupMember member) => _members[member.Number] = member;

    public void Remove(GroupMember member) => _members.TryRemove(member.Number, out _);

    /// <summary>The member of that number; <see langword="null"/> when its connection is over.</summary>
    public GroupMember? Find(long number) => _members.GetValueOrDefault(number);
}
