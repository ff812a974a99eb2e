using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore.Admission;
using Runnel.AspNetCore.Handover;
using Runnel.AspNetCore.Sockets;

namespace Runnel.AspNetCore.Http;

/// <summary>Answers the requests of one mapped <see cref="HttpConsumer"/>, or has a worker answer them.</summary>
internal sealed class HttpConsumerEndpoint(
    MappedHttpConsumer mapped,
    HttpConsumerOptions options,
    NodeContext node,
    WorkerExchanges exchanges,
    IScopeFormat scopes,
    IOptions<HandoverOptions> handover,
    IServiceProvider services)
{
    private const int MostTries = 3;

    /// <summary>The request delegate.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout(); // this endpoint has one of its own
        if (await ReadBodyAsync(context) is not { } body)
        {
            await Refusal.WriteAsync(context, StatusCodes.Status413PayloadTooLarge, "too-large", $"The body of a request may have {options.MaxBodyBytes} bytes here.");
            return;
        }
        using var patience = new CancellationTokenSource(options.Timeout, node.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, patience.Token);
        var sink = new ClientSink(context, patience, options.Timeout);
        var answering = handover.Value.HandsOut ? AskWorkerAsync(context, sink, body, either.Token) : AnswerAsync(context, sink, body, either.Token);
        await TellIfTooLateAsync(context, sink, answering, either.Token);
        if (!await answering && sink.HasBegun)
            context.Abort(); // or the client would take what it has for all
    }

    // The consumer may take its time to notice, but the client does not wait for it.
    private static async Task TellIfTooLateAsync(HttpContext context, ClientSink sink, Task answering, CancellationToken cancellationToken)
    {
        var late = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var _ = cancellationToken.UnsafeRegister(static late => ((TaskCompletionSource)late!).TrySetResult(), late);
        await Task.WhenAny(answering, late.Task);
        // The token and not `late`: who began to wait for it later, such as the consumer, hears of it before and may have ended.
        if (!cancellationToken.IsCancellationRequested || context.RequestAborted.IsCancellationRequested)
            return;
        if (sink.TryClaim())
        {
            await Refusal.WriteAsync(context, StatusCodes.Status504GatewayTimeout, "timeout", "The answer took too long.");
            await context.Response.CompleteAsync();
        }
        else if (sink.HasBegun && !answering.IsCompleted)
        {
            context.Abort();
        }
    }

    private Task<bool> AnswerAsync(HttpContext context, ClientSink sink, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var json = node.Options.Json;
        var request = new HttpConsumerRequest(context.Request.Method, new HttpConsumerScope(context), body, json);
        return mapped.Descriptor.AnswerAsync(services, node, request, new HttpConsumerResponse(sink, json), cancellationToken);
    }

    private async Task<bool> AskWorkerAsync(HttpContext context, ClientSink sink, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var (method, channel) = (context.Request.Method, MappedEndpoint.Of(context.GetEndpoint())!.Channel);
        var head = RequestHead.Write(method, scopes.Write(new HttpConsumerScope(context)));
        var isSafe = HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);
        HashSet<string>? refused = null;
        var tries = 0;
        while (true)
        {
            if (exchanges.Begin(channel, head, refused) is not { } exchange)
                return await RefuseAsync(context, sink, StatusCodes.Status503ServiceUnavailable, "no-worker", "No worker is there to answer; come back in a moment.");
            await using (exchange)
            {
                try
                {
                    await RelayAsync(exchange, sink, body, cancellationToken);
                    return true;
                }
                catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
                {
                    return false;
                }
                catch (FormatException exception)
                {
                    Log.ResponseUnreadable(node.Logger, exception, method, context.Request.Path, channel.Value);
                    return await RefuseAsync(context, sink, StatusCodes.Status502BadGateway, "worker-unreadable", "The worker's response cannot be read. The request may have been carried out.");
                }
                catch (InvalidOperationException exception) when (!sink.HasBegun)
                {
                    // As the consumer would have heard it beside its client.
                    Log.HttpConsumerFailed(node.Logger, exception, mapped.Descriptor.Name, method, context.Request.Path);
                    await sink.StartAsync(StatusCodes.Status500InternalServerError, new HeaderDictionary(), cancellationToken);
                    return true;
                }
                catch (IOException) when (exchange.WasRefused)
                {
                    (refused ??= []).Add(exchange.NodeId);
                }
                catch (IOException exception)
                {
                    if (sink.HasBegun)
                        return false;
                    Log.WorkerLostRequest(node.Logger, exception, method, context.Request.Path, channel.Value);
                    if (!isSafe || ++tries == MostTries)
                        return await RefuseAsync(context, sink, StatusCodes.Status502BadGateway, "worker-lost", "The worker that had the request is gone. It may have been carried out.");
                }
            }
        }
    }

    private static async Task RelayAsync(Exchange exchange, ClientSink sink, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        await exchange.SendAsync(body, cancellationToken);
        exchange.Complete();
        var head = await exchange.ReceiveAsync(cancellationToken) ?? throw new IOException("The worker answered nothing.");
        var (statusCode, headers) = ResponseHead.Read(head);
        await sink.StartAsync(statusCode, headers, cancellationToken);
        while (await exchange.ReceiveAsync(cancellationToken) is { } chunk)
            await sink.WriteAsync(chunk, cancellationToken);
    }

    private static async Task<bool> RefuseAsync(HttpContext context, ClientSink sink, int status, string reason, string sentence)
    {
        if (sink.TryClaim())
            await Refusal.WriteAsync(context, status, reason, sentence);
        return true;
    }

    // One byte more than may be is read, to know of it. The reader gets everything back, or the server could not read the next request of the connection.
    private async Task<ReadOnlyMemory<byte>?> ReadBodyAsync(HttpContext context)
    {
        if (context.Request.ContentLength > options.MaxBodyBytes)
            return null;
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            var isTooLarge = read.Buffer.Length > options.MaxBodyBytes;
            if (!isTooLarge && !read.IsCompleted)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }
            ReadOnlyMemory<byte>? body = isTooLarge ? default(ReadOnlyMemory<byte>?) : read.Buffer.ToArray();
            reader.AdvanceTo(read.Buffer.End);
            return body;
        }
    }
}
