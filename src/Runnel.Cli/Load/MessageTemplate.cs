using System.Globalization;
using System.Text.Json;

namespace Runnel.Cli.Load;

/// <summary>The body of each message, with its mark, its number and its publisher's filled in.</summary>
internal sealed class MessageTemplate
{
    private const string MarkPlace = "{mark}", NumberPlace = "{n}", PublisherPlace = "{publisher}";

    private readonly string _text;

    private MessageTemplate(string text) => _text = text;

    /// <summary>JSON, so that it suits most servers.</summary>
    public static MessageTemplate Default { get; } = new($$"""{"publisher":{{PublisherPlace}},"n":{{NumberPlace}},"mark":"{{MarkPlace}}"}""");

    /// <summary>Whether the bodies are JSON.</summary>
    public bool IsJson
    {
        get
        {
            try
            {
                JsonElement.Parse(Fill(new Mark("0"), 0, 1));
                return true;
            }
            catch (JsonException)
            {
                return false;
            }
        }
    }

    /// <exception cref="FormatException">The text has no place for the mark.</exception>
    public static MessageTemplate Parse(string text) => text.Contains(MarkPlace, StringComparison.Ordinal)
        ? new MessageTemplate(text)
        : throw new FormatException("The body has no {mark}. Put it where the server passes text on to the sockets: the messages are known by it. {n} and {publisher} may be beside it.");

    public string Fill(Mark mark, int publisher, int number) => _text
        .Replace(MarkPlace, mark.Of(publisher, number), StringComparison.Ordinal)
        .Replace(NumberPlace, number.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
        .Replace(PublisherPlace, (publisher + 1).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
