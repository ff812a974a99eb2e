using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Layers;

namespace Runnel.Workers.Channels;

/// <summary>A function that handles messages of one type, with its parameters filled as a minimal API's are; checked and compiled once.</summary>
internal sealed class MessageHandler
{
    private static readonly MethodInfo GetService =
        typeof(ServiceProviderServiceExtensions).GetMethod(nameof(ServiceProviderServiceExtensions.GetRequiredService), 1, [typeof(IServiceProvider)])!;

    private static readonly MethodInfo MakeOf = typeof(MessageHandler).GetMethod(nameof(OfConsumer), 2, BindingFlags.NonPublic | BindingFlags.Static, [typeof(ChannelName)])!;

    private static readonly MethodInfo MakeWithResult = typeof(MessageHandler).GetMethod(nameof(OfConsumer), 3, BindingFlags.NonPublic | BindingFlags.Static, [typeof(ChannelName)])!;

    private readonly Func<IServiceProvider, object?, JobContext, Task> _invoke;
    private readonly Func<Task, object?>? _result;

    private MessageHandler(string? type, Type messageType, bool usesServices, Func<IServiceProvider, object?, JobContext, Task> invoke, Func<Task, object?>? result)
    {
        Type = type;
        MessageType = messageType;
        UsesServices = usesServices;
        _invoke = invoke;
        _result = result;
    }

    /// <summary>The message type that it handles; <see langword="null"/>: any, because it takes the message as it is.</summary>
    public string? Type { get; }

    /// <summary>What the body is read as.</summary>
    public Type MessageType { get; }

    /// <summary>Whether it needs a service scope.</summary>
    public bool UsesServices { get; }

    /// <summary>Makes a handler of a handler.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="handler">The function.</param>
    /// <param name="isService">Tells services from messages; without it, the first parameter is the message.</param>
    /// <exception cref="ArgumentException">It takes no message or more than one, or cannot be awaited.</exception>
    public static MessageHandler Of(ChannelName channel, Delegate handler, IServiceProviderIsService? isService = null)
    {
        var services = Expression.Parameter(typeof(IServiceProvider));
        var message = Expression.Parameter(typeof(object));
        var job = Expression.Parameter(typeof(JobContext));
        Type? messageType = null;
        var usesServices = false;
        var arguments = new List<Expression>();
        foreach (var parameter in handler.Method.GetParameters())
        {
            if (parameter.ParameterType == typeof(JobContext))
            {
                arguments.Add(job);
            }
            else if (parameter.ParameterType == typeof(CancellationToken))
            {
                arguments.Add(Expression.Property(job, nameof(JobContext.CancellationToken)));
            }
            else if (messageType is null && isService?.IsService(parameter.ParameterType) is not true)
            {
                messageType = parameter.ParameterType;
                arguments.Add(Expression.Convert(message, messageType));
            }
            else if (isService?.IsService(parameter.ParameterType) is false)
            {
                throw new ArgumentException($"The consumer of channel '{channel}' takes {parameter.ParameterType.Name} {parameter.Name}, which is not registered as a service, and a message already: {messageType!.Name}.", nameof(handler));
            }
            else
            {
                usesServices = true;
                arguments.Add(parameter.ParameterType == typeof(IServiceProvider) ? services : Expression.Call(GetService.MakeGenericMethod(parameter.ParameterType), services));
            }
        }
        if (messageType is null)
            throw new ArgumentException($"The consumer of channel '{channel}' takes no message: its parameter that is neither JobContext nor CancellationToken nor a registered service is the message.", nameof(handler));

        var target = handler.Target is null ? null : Expression.Constant(handler.Target);
        Expression call = handler.Method.IsStatic && handler.Target is not null
            ? Expression.Invoke(Expression.Constant(handler), arguments)
            : Expression.Call(target, handler.Method, arguments);
        var (awaited, result) = Awaited(channel, handler, call);
        var invoke = Expression.Lambda<Func<IServiceProvider, object?, JobContext, Task>>(awaited, services, message, job).Compile();
        return new MessageHandler(TypeOf(channel, messageType), messageType, usesServices, invoke, ResultOf(result));
    }

    // What a function returns, as a task; and the type of the task's result, if it has one.
    private static (Expression Awaited, Type? Result) Awaited(ChannelName channel, Delegate handler, Expression call)
    {
        var returns = handler.Method.ReturnType;
        var generic = returns.IsGenericType ? returns.GetGenericTypeDefinition() : null;
        if (returns == typeof(void) ? handler.Method.IsDefined(typeof(AsyncStateMachineAttribute)) : generic == typeof(IAsyncEnumerable<>))
            throw new ArgumentException($"The consumer of channel '{channel}' returns {(returns == typeof(void) ? "async void" : returns.Name)}, whose end cannot be awaited: let it return Task, ValueTask, or the job's result.", nameof(handler));
        if (returns == typeof(object))
            throw new ArgumentException($"The consumer of channel '{channel}' returns object, which may hide a task: let it name the type of its result.", nameof(handler));
        if (returns == typeof(void))
            return (Expression.Block(typeof(Task), call, Expression.Constant(Task.CompletedTask, typeof(Task))), null);
        if (returns == typeof(ValueTask))
            return (Expression.Call(call, nameof(ValueTask.AsTask), null), null);
        if (generic == typeof(ValueTask<>))
            return (Expression.Call(call, nameof(ValueTask<>.AsTask), null), returns.GetGenericArguments()[0]);
        if (typeof(Task).IsAssignableFrom(returns))
            return (call, generic == typeof(Task<>) ? returns.GetGenericArguments()[0] : null);
        return (Expression.Call(typeof(Task), nameof(Task.FromResult), [returns], call), returns);
    }

    /// <summary>Makes a handler of a consumer class.</summary>
    /// <exception cref="ArgumentException">The class cannot consume the channel: it is abstract, or does not derive from <see cref="ChannelConsumer{TMessage}"/>.</exception>
    public static MessageHandler OfConsumer<TConsumer>(ChannelName channel)
    {
        if (typeof(TConsumer).IsAbstract)
            throw new ArgumentException($"{typeof(TConsumer).Name} cannot consume channel '{channel}': it is abstract, and one is made for each message.");
        for (var type = typeof(TConsumer); type is not null; type = type.BaseType)
        {
            var generic = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
            if (generic == typeof(ChannelConsumer<>) || generic == typeof(ChannelConsumer<,>))
            {
                var make = generic == typeof(ChannelConsumer<>) ? MakeOf : MakeWithResult;
                return (MessageHandler)make.MakeGenericMethod([typeof(TConsumer), .. type.GetGenericArguments()]).Invoke(null, BindingFlags.DoNotWrapExceptions, null, [channel], null)!;
            }
        }
        throw new ArgumentException($"{typeof(TConsumer).Name} cannot consume channel '{channel}': derive it from ChannelConsumer<TMessage> or ChannelConsumer<TMessage, TResult>.");
    }

    private static MessageHandler OfConsumer<TConsumer, TMessage>(ChannelName channel)
        where TConsumer : ChannelConsumer<TMessage>
    {
        var factory = ActivatorUtilities.CreateFactory<TConsumer>([]);
        return new MessageHandler(TypeOf(channel, typeof(TMessage)), typeof(TMessage), usesServices: true, HandleAsync, result: null);

        async Task HandleAsync(IServiceProvider services, object? message, JobContext job)
        {
            var consumer = factory(services, []);
            await using var end = new ConsumerEnd(consumer);
            await consumer.OnMessageAsync((TMessage)message!, job, job.CancellationToken);
        }
    }

    private static MessageHandler OfConsumer<TConsumer, TMessage, TResult>(ChannelName channel)
        where TConsumer : ChannelConsumer<TMessage, TResult>
    {
        var factory = ActivatorUtilities.CreateFactory<TConsumer>([]);
        return new MessageHandler(TypeOf(channel, typeof(TMessage)), typeof(TMessage), usesServices: true, HandleAsync, ResultOf(typeof(TResult)));

        async Task<TResult> HandleAsync(IServiceProvider services, object? message, JobContext job)
        {
            var consumer = factory(services, []);
            await using var end = new ConsumerEnd(consumer);
            return await consumer.OnMessageAsync((TMessage)message!, job, job.CancellationToken);
        }
    }

    /// <summary>Reads a message's body as what the function takes.</summary>
    /// <exception cref="JsonException">It is something else.</exception>
    public object? Read(Message message, JsonSerializerOptions options)
    {
        if (MessageType == typeof(Message))
            return message;
        if (MessageType == typeof(JsonElement))
            return JsonElement.Parse(message.Body.Span);
        return JsonSerializer.Deserialize(message.Body.Span, MessageType, options) ?? throw new JsonException("The message is null.");
    }

    public Task InvokeAsync(IServiceProvider services, object? message, JobContext job) => _invoke(services, message, job);

    /// <summary>What a completed invocation returned; <see langword="null"/> for nothing.</summary>
    public object? ResultOf(Task completed) => _result?.Invoke(completed);

    /// <summary>The name that messages of a type are sent under.</summary>
    public static string NameOf(ChannelName channel, Type type) => MessageTypeAttribute.NameOf(type) ?? channel.Value;

    private static string? TypeOf(ChannelName channel, Type type) =>
        type == typeof(JsonElement) || type == typeof(Message) ? null : NameOf(channel, type);

    private static Func<Task, object?>? ResultOf(Type? type)
    {
        if (type is null)
            return null;
        var task = Expression.Parameter(typeof(Task));
        var result = Expression.Property(Expression.Convert(task, typeof(Task<>).MakeGenericType(type)), nameof(Task<>.Result));
        return Expression.Lambda<Func<Task, object?>>(Expression.Convert(result, typeof(object)), task).Compile();
    }

    // A consumer's instance is not the scope's, so nobody else disposes of it.
    private readonly struct ConsumerEnd(object consumer) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            if (consumer is IAsyncDisposable asynchronously)
                return asynchronously.DisposeAsync();
            (consumer as IDisposable)?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
