using Xunit;

namespace Runnel.Tests.House;

public sealed class RepositoryTests
{
    [Fact]
    public void A_file_that_git_ignores_is_not_one_that_people_wrote()
    {
        Assert.SkipUnless(Path.Exists(Repository.PathTo(".git")), "This tree is not a git checkout.");
        var file = Repository.PathTo($"src/Runnel/left-by-a-run-{Guid.NewGuid():N}.db");
        File.WriteAllText(file, "");
        try
        {
            Assert.DoesNotContain(file, Repository.ReadWritten());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Files_are_found_by_folder_and_pattern()
    {
        var found = Repository.FilesBelow("tests/Runnel.Tests/House", "*.cs").Select(Repository.RelativeTo).ToList();

        Assert.Contains("tests/Runnel.Tests/House/RepositoryTests.cs", found);
        Assert.All(found, file => Assert.StartsWith("tests/Runnel.Tests/House/", file, StringComparison.Ordinal));
        Assert.Contains(Repository.PathTo("README.md"), Repository.FilesBelow("."));
    }
}
