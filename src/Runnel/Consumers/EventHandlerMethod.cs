using System.Linq.Expressions;
using System.Reflection;

namespace Runnel.Consumers;

/// <summary>A consumer's method with <see cref="HandlesAttribute"/>, checked and compiled once.</summary>
internal sealed class EventHandlerMethod
{
    private readonly Func<WebSocketConsumer, object?, CancellationToken, Task> _invoke;

    private EventHandlerMethod(string type, Type? bodyType, Func<WebSocketConsumer, object?, CancellationToken, Task> invoke)
    {
        Type = type;
        BodyType = bodyType;
        _invoke = invoke;
    }

    public string Type { get; }

    /// <summary>What the body is read as; <see langword="null"/> when the method does not take it.</summary>
    public Type? BodyType { get; }

    public static EventHandlerMethod Of<TConsumer>(string type, MethodInfo method)
    {
        var parameters = method.GetParameters();
        var takesToken = parameters is [.., { ParameterType: var last }] && last == typeof(CancellationToken);
        var bodies = parameters.Length - (takesToken ? 1 : 0);
        var isTask = method.ReturnType == typeof(Task) || method.ReturnType == typeof(ValueTask);
        if (!method.IsPublic || method.IsStatic || method.IsGenericMethod || bodies > 1 || !isTask || parameters.Any(parameter => parameter.ParameterType.IsByRef))
        {
            throw new ArgumentException(
                $"{typeof(TConsumer).Name}.{method.Name} cannot handle '{type}'. Make it a public instance method that takes the event's body "
                + "and perhaps a CancellationToken, and returns Task or ValueTask.");
        }

        var consumer = Expression.Parameter(typeof(WebSocketConsumer));
        var body = Expression.Parameter(typeof(object));
        var token = Expression.Parameter(typeof(CancellationToken));
        var bodyType = bodies == 1 ? parameters[0].ParameterType : null;
        var arguments = parameters.Select((_, index) => bodies == 1 && index == 0 ? Expression.Convert(body, bodyType!) : (Expression)token);
        Expression call = Expression.Call(Expression.Convert(consumer, typeof(TConsumer)), method, arguments);
        if (method.ReturnType == typeof(ValueTask))
            call = Expression.Call(call, nameof(ValueTask.AsTask), null);
        return new EventHandlerMethod(type, bodyType, Expression.Lambda<Func<WebSocketConsumer, object?, CancellationToken, Task>>(call, consumer, body, token).Compile());
    }

    public Task InvokeAsync(WebSocketConsumer consumer, object? body, CancellationToken cancellationToken) => _invoke(consumer, body, cancellationToken);
}
