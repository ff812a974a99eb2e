using System.Net.Http.Headers;
using System.Text;
using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>Publishes by POST to an address of the server's.</summary>
internal sealed class HttpPublisher : IMessagePublisher, IDisposable
{
    private readonly HttpClient _http;
    private readonly Uri _address;
    private readonly IReadOnlyList<Header> _headers;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _clock;

    /// <param name="address">Where to.</param>
    /// <param name="settings">The headers, the time-out, and whether any certificate will do.</param>
    /// <param name="clock">The time.</param>
    public HttpPublisher(Uri address, LoadSettings settings, TimeProvider clock)
    {
        (_address, _headers, _timeout, _clock) = (address, settings.Headers, settings.Timeout, clock);
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, SslOptions = Insecure.OptionsFor(null, settings.IsInsecure) }) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public async Task PublishAsync(string body, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, _address) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        foreach (var header in _headers)
        {
            if (!request.Headers.TryAddWithoutValidation(header.Name, header.Value))
                request.Content.Headers.TryAddWithoutValidation(header.Name, header.Value);
        }
        try
        {
            using var response = await _http.SendAsync(request, either.Token);
            if (!response.IsSuccessStatusCode)
                throw new FaultException(FaultKind.NotPublished, $"{(int)response.StatusCode}", $"POST {_address} was answered with {(int)response.StatusCode} {response.ReasonPhrase}.");
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new FaultException(FaultKind.TimedOut, "publish", $"POST {_address} took longer than {_timeout.TotalSeconds} s.");
        }
        catch (HttpRequestException exception)
        {
            throw new FaultException(FaultKind.NotPublished, exception.HttpRequestError.ToString(), $"POST {_address} failed: {exception.Message}");
        }
    }

    public void Dispose() => _http.Dispose();
}
