using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Runnel.AspNetCore.Admission;

/// <summary>Answers requests for a connection that this server does not take: a status, a sentence of plain text, and a count.</summary>
internal static class Refusal
{
    /// <summary>The server stops, and takes no more.</summary>
    public static Task StoppingAsync(HttpContext context) =>
        WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "stopping", "The server is restarting; come back in a moment.");

    /// <summary>The node, or the remote address, has as many connections as it may.</summary>
    public static Task NoRoomAsync(HttpContext context, ConnectionAdmission admission, ILogger logger)
    {
        Log.NoRoom(logger, context.Request.Path, admission);
        return admission == ConnectionAdmission.NodeFull
            ? WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "node-full", "This server has as many connections as it may; come back in a moment.")
            : WriteAsync(context, StatusCodes.Status429TooManyRequests, "address-full", "There are too many connections from this address.");
    }

    /// <summary>Any other refusal.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">The status.</param>
    /// <param name="reason">What it is counted as.</param>
    /// <param name="sentence">Why, for people.</param>
    public static Task WriteAsync(HttpContext context, int status, string reason, string sentence)
    {
        GatewayMetrics.ConnectionWasRefused(reason);
        context.Response.StatusCode = status;
        if (status is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status429TooManyRequests)
            context.Response.Headers.RetryAfter = "5";
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(sentence);
    }
}
