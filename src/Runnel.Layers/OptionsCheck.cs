using Microsoft.Extensions.Options;

namespace Runnel.Layers;

/// <summary>Checks the options of a layer when the layer is made, as the host checks the application's other options when it starts.</summary>
public static class OptionsCheck
{
    /// <summary>Throws if an option does not fit its validation attribute (<see cref="System.ComponentModel.DataAnnotations.RangeAttribute"/> and the like).</summary>
    /// <remarks>A layer of your own that calls this, or throws the same, ends the start with the sentence that names the option.</remarks>
    /// <param name="options">The options.</param>
    /// <exception cref="OptionsValidationException">An option is out of its range; the message names it, and says what the range is.</exception>
    public static void ThrowIfInvalid<TOptions>(TOptions options)
        where TOptions : class
    {
        ArgumentNullException.ThrowIfNull(options);
        if (new DataAnnotationValidateOptions<TOptions>(name: null).Validate(name: null, options) is { Failed: true, Failures: var failures })
            throw new OptionsValidationException(Options.DefaultName, typeof(TOptions), failures);
    }
}
