using System.Buffers;
using System.Text;
using Runnel.Links;

namespace Runnel.Tests.Links;

/// <summary>A text that one node sends to another.</summary>
internal sealed class TextItem(string text, LinkKind kind = LinkKind.ToWorker) : LinkItem
{
    public override LinkKind Kind => kind;

    public override void WriteTo(IBufferWriter<byte> output) => Encoding.UTF8.GetBytes(text, output);
}

/// <summary>A text that takes those behind it into itself.</summary>
internal sealed class MergingItem(string text) : LinkItem
{
    private string _text = text;

    public override LinkKind Kind => LinkKind.ToWorker;

    public override void WriteTo(IBufferWriter<byte> output) => Encoding.UTF8.GetBytes(_text, output);

    public override bool TryMerge(LinkItem next)
    {
        if (next is not MergingItem merging)
            return false;
        _text += merging._text;
        return true;
    }
}
