using Microsoft.AspNetCore.Http;
using Runnel.AspNetCore.Http;
using Xunit;

namespace Runnel.Tests.Http;

/// <summary>What goes before the body between a gateway and a worker, which may be of different versions.</summary>
public sealed class HeadTests
{
    private readonly byte[] _request = RequestHead.Write("PATCH", new byte[] { 1, 2, 3 });
    private readonly byte[] _response = ResponseHead.Write(404, new HeaderDictionary { ["Set-Cookie"] = new(["a=1", "b=2"]), ["X-Empty"] = "" });

    [Fact]
    public void What_was_written_is_read()
    {
        var (method, scope) = RequestHead.Read(_request);
        var (status, headers) = ResponseHead.Read(_response);

        Assert.Equal("PATCH", method);
        Assert.Equal([1, 2, 3], scope.ToArray());
        Assert.Equal(404, status);
        Assert.Equal((2, "a=1,b=2"), (headers["Set-Cookie"].Count, headers["Set-Cookie"].ToString()));
        Assert.Equal((1, ""), (headers["X-Empty"].Count, headers["X-Empty"].ToString()));
    }

    [Fact]
    public void Another_version_is_refused_with_what_to_update_first()
    {
        (_request[0], _response[0]) = (2, 3);

        Assert.Equal("A gateway's request is of version 2; version 1 is known here. Update the workers before the gateways.", Assert.Throws<FormatException>(() => RequestHead.Read(_request)).Message);
        Assert.Equal("A worker's response is of version 3; version 1 is known here. Update the gateways before the workers.", Assert.Throws<FormatException>(() => ResponseHead.Read(_response)).Message);
    }

    [Fact]
    public void What_is_cut_short_is_refused()
    {
        for (var length = 0; length < 1 + "PATCH".Length; length++)
            Assert.Contains("cut short", Assert.Throws<FormatException>(() => RequestHead.Read(_request.AsMemory(0, length))).Message, StringComparison.Ordinal);
        for (var length = 0; length < _response.Length; length++)
            Assert.Contains("cut short", Assert.Throws<FormatException>(() => ResponseHead.Read(_response.AsMemory(0, length))).Message, StringComparison.Ordinal);
    }
}
