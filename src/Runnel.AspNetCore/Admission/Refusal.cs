using Microsoft.AspNetCore.Http;

namespace Runnel.AspNetCore.Admission;

/// <summary>Answers requests for a connection that this server does not take: a status, a sentence of plain text, and a count.</summary>
internal static class Refusal
{
    /// <summary>How many seconds a client that finds no room should wait.</summary>
    public const string RetryAfter = "5";

    /// <summary>The server stops, and takes no more.</summary>
    public static Task StoppingAsync(HttpContext context) =>
        WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "stopping", "The server is restarting; come back in a moment.");

    /// <summary>There is no room for the connection.</summary>
    public static Task NoRoomAsync(HttpContext context, ConnectionAdmission admission, RefusalLog log)
    {
        log.NoRoom(context.Request.Path, admission);
        return admission switch
        {
            ConnectionAdmission.NodeFull =>
                WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "node-full", "This server has as many connections as it may; come back in a moment."),
            ConnectionAdmission.AddressFull =>
                WriteAsync(context, StatusCodes.Status429TooManyRequests, "address-full", "There are too many connections from this address."),
            ConnectionAdmission.TooManyASecond =>
                WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "too-many-a-second", "Too many clients connect at this moment; come back in a moment."),
            _ => WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "too-many-handshakes", "Too many clients are being connected; come back in a moment."),
        };
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
            context.Response.Headers.RetryAfter = RetryAfter;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(sentence);
    }
}
