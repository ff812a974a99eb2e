using System.Collections.Frozen;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Consumers;

namespace Runnel;

/// <summary>A kind of consumer: how it is made, and which events it handles. All of its connections share one description.</summary>
public sealed class ConsumerDescriptor
{
    private readonly Func<IServiceProvider, WebSocketConsumer> _create;
    private readonly FrozenDictionary<string, EventHandlerMethod> _handlers;

    internal ConsumerDescriptor(string name, bool usesServices, Func<IServiceProvider, WebSocketConsumer> create, IEnumerable<EventHandlerMethod> handlers, IReadOnlyList<object>? metadata = null)
    {
        Name = name;
        UsesServices = usesServices;
        Metadata = metadata ?? [];
        _create = create;
        _handlers = handlers.ToFrozenDictionary(handler => handler.Type);
    }

    /// <summary>The consumer's name, for logs.</summary>
    public string Name { get; }

    /// <summary>The attributes of the class, such as <c>[Authorize]</c>. A shared socket has those of all its streams, because its client must be allowed to use each of them.</summary>
    public IReadOnlyList<object> Metadata { get; }

    /// <summary>The consumer of a socket whose client speaks <c>runnel.v1</c> (<see cref="DemultiplexerBuilder.Greeted"/>); <see langword="null"/> until the first one does, if this one has its socket to itself.</summary>
    internal ConsumerDescriptor? Greeted { get; set; }

    /// <summary>Whether the consumer gets a service scope of its own.</summary>
    internal bool UsesServices { get; }

    /// <summary>Whether a connection can go to another worker (<see cref="WebSocketConsumer.OnAdoptAsync"/>).</summary>
    internal bool CanBeAdopted { get; init; }

    /// <summary>How many streams share a socket; 0 if the consumer has its socket to itself.</summary>
    internal int StreamCount { get; init; }

    /// <summary>Describes a consumer class.</summary>
    /// <exception cref="ArgumentException">A method with <see cref="HandlesAttribute"/> has a signature that does not fit, or two methods handle the same type.</exception>
    public static ConsumerDescriptor For<TConsumer>()
        where TConsumer : WebSocketConsumer
    {
        var handlers = new Dictionary<string, EventHandlerMethod>();
        foreach (var method in MethodsOf(typeof(TConsumer)))
        {
            foreach (var attribute in method.GetCustomAttributes<HandlesAttribute>(inherit: true))
            {
                if (!handlers.TryAdd(attribute.Type, EventHandlerMethod.Of<TConsumer>(attribute.Type, method)))
                    throw new ArgumentException($"{typeof(TConsumer).Name} has two methods that handle '{attribute.Type}'. Only one method of a consumer can handle a type: remove [Handles] from the other.");
            }
        }
        var factory = ActivatorUtilities.CreateFactory<TConsumer>([]);
        var usesServices = typeof(TConsumer).GetConstructors().Any(constructor => constructor.GetParameters().Length > 0);
        return new ConsumerDescriptor(typeof(TConsumer).Name, usesServices, services => factory(services, []), handlers.Values, typeof(TConsumer).GetCustomAttributes(inherit: true))
        {
            CanBeAdopted = typeof(TConsumer).GetMethod(nameof(WebSocketConsumer.OnAdoptAsync), [typeof(CancellationToken)])!.DeclaringType != typeof(WebSocketConsumer),
        };
    }

    /// <summary>Describes a consumer made of functions.</summary>
    public static ConsumerDescriptor For(ConsumerBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return new ConsumerDescriptor("ConsumerBuilder", usesServices: false, _ => new LambdaConsumer(builder), []) { CanBeAdopted = builder.Adopt is not null };
    }

    // Reflection leaves out the private methods of base classes; a handler among them would be overlooked instead of refused.
    private static IEnumerable<MethodInfo> MethodsOf(Type consumer)
    {
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        var methods = consumer.GetMethods(All).AsEnumerable();
        for (var below = consumer.BaseType; below is not null; below = below.BaseType)
            methods = methods.Concat(below.GetMethods(All | BindingFlags.DeclaredOnly).Where(method => method.IsPrivate));
        return methods;
    }

    internal WebSocketConsumer Create(IServiceProvider services) => _create(services);

    internal EventHandlerMethod? HandlerOf(string type) => _handlers.GetValueOrDefault(type);
}
