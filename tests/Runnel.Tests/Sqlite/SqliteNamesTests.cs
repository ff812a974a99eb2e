using Runnel.Sqlite.Files;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>What processes of other versions read: the files beside the database, and the version of its tables.</summary>
public sealed class SqliteNamesTests
{
    [Fact]
    public void The_names_of_version_1_never_change()
    {
        Assert.Equal(1, SqliteNames.SchemaVersion);
        Assert.Equal(
            ["/var/app.db.bell", "/var/app.db.bell/n1.lock", "/var/app.db.bell/n1.sock"],
            [SqliteNames.Folder("/var/app.db"), SqliteNames.Lock("/var/app.db", "n1"), SqliteNames.Socket("/var/app.db", "n1")!]);
        Assert.Equal((3L << 20) + 7, SqliteNames.WorkerId(3, 7));
        Assert.Equal("n1-7", SqliteNames.WorkerOf("n1", 7));
        Assert.Equal((16, true), (SqliteNames.NewNode().Length, SqliteNames.NewNode() != SqliteNames.NewNode()));
    }

    [Fact]
    public void A_socket_has_a_path_of_up_to_107_bytes()
    {
        string OfLength(int length) => new('d', length - ".bell/n1.sock".Length);

        Assert.NotNull(SqliteNames.Socket(OfLength(107), "n1"));
        Assert.Null(SqliteNames.Socket(OfLength(108), "n1"));
        Assert.Null(SqliteNames.Socket(new string('é', 50), "n1")); // bytes, not characters
    }

    [Fact]
    public void A_time_that_would_be_behind_all_others_is_the_last_there_is()
    {
        var last = DateTimeOffset.MaxValue.Ticks;

        Assert.Equal((15, last, last), (Ticks.Later(10, TimeSpan.FromTicks(5)), Ticks.Later(10, TimeSpan.MaxValue), Ticks.Later(last - 5, TimeSpan.FromTicks(5))));
        Assert.Equal(last - 1, Ticks.Later(last - 5, TimeSpan.FromTicks(4)));
    }
}
