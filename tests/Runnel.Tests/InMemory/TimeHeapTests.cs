using Runnel.InMemory.Stored;
using Xunit;

namespace Runnel.Tests.InMemory;

public sealed class TimeHeapTests
{
    [Fact]
    public void What_is_earliest_comes_first_and_equal_times_in_their_order()
    {
        var heap = new TimeHeap<string>();
        for (var number = 0; number < 40; number++)
            heap.Add(time: number % 4, $"{number % 4}/{number:D2}", order: number);

        var taken = Enumerable.Range(0, 40).Select(_ => heap.TakeFirst()).ToList();

        Assert.Equal(taken.Order(StringComparer.Ordinal), taken);
    }

    [Fact]
    public void What_is_taken_out_of_the_middle_leaves_the_others_in_order()
    {
        var heap = new TimeHeap<int>();
        var nodes = Enumerable.Range(0, 100).Select(number => heap.Add(time: number * 37 % 100, number * 37 % 100)).ToList();

        foreach (var node in nodes.Where((_, at) => at % 3 == 0))
            node.Remove();
        nodes[0].Remove(); // again: it is out already

        var expected = nodes.Where((_, at) => at % 3 != 0).Select(node => node.Item).Order().ToList();
        Assert.Equal(expected, Enumerable.Range(0, heap.Count).Select(_ => heap.TakeFirst()));
        Assert.Equal(Ticks.Never, heap.NextTime);
    }

    [Fact]
    public void What_fills_a_gap_in_another_branch_comes_before_what_is_later_than_it()
    {
        var heap = new TimeHeap<int>();
        var nodes = new[] { 0, 10, 1, 11, 12, 13, 4 }.Select(time => heap.Add(time, time)).ToList();

        nodes[3].Remove(); // below 10: the last one, 4, takes its place

        Assert.Equal([0, 1, 4, 10, 12, 13], Enumerable.Range(0, heap.Count).Select(_ => heap.TakeFirst()));
    }
}
