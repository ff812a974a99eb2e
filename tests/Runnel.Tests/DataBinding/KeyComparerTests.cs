using Runnel.EntityFrameworkCore;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>In which order the rows of one save are sent.</summary>
public sealed class KeyComparerTests
{
    [Fact]
    public void Keys_are_in_the_order_of_their_columns_and_texts_in_that_of_their_characters()
    {
        object?[][] keys = [["b", 1], ["B", 2], ["a", 1], ["B", 1]];

        Assert.Equal([["B", 1], ["B", 2], ["a", 1], ["b", 1]], keys.Order(KeyComparer.Instance));
    }

    [Fact]
    public void What_has_no_order_of_its_own_stays_where_it_is()
    {
        object?[][] keys = [[new object()], [2], ["1"], [null], [1L]];

        Assert.Equal(keys, keys.Order(KeyComparer.Instance));
    }
}
