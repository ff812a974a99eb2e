using System.Text;
using System.Text.Json;
using Runnel.Workers.Channels;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>How bodies are written into memory that each thread uses again.</summary>
public sealed class BodyWriterTests
{
    [Fact]
    public void A_thread_that_wrote_by_other_options_before_writes_by_those_that_it_is_given()
    {
        using (var before = BodyWriter.Rent(JsonSerializerOptions.Default))
            Assert.Equal("""{"Order":"1"}""", Write(before));

        using var writer = BodyWriter.Rent(JsonSerializerOptions.Web);

        Assert.Equal("""{"order":"2"}""", Write(writer, "2"));
    }

    private static string Write(BodyWriter writer, string order = "1") => Encoding.UTF8.GetString(writer.Write(new Pay(order), typeof(Pay)).Span);
}
