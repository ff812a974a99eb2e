using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Runnel.Tests.House;

/// <summary>Types, parameters and values as C# writes them.</summary>
internal static class CSharp
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool", [typeof(char)] = "char",
        [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short", [typeof(ushort)] = "ushort", [typeof(int)] = "int",
        [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(float)] = "float", [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
    };

    public static NullabilityInfoContext Nullability { get; } = new();

    /// <summary>A type's name as it is declared, with its outer types and its parameters.</summary>
    public static string NameOf(Type type)
    {
        var name = type.Name.Split('`')[0];
        var own = type.GetGenericArguments().Skip(type.DeclaringType?.GetGenericArguments().Length ?? 0).ToList();
        if (own.Count > 0)
            name += $"<{string.Join(", ", own.Select(argument => argument.Name))}>";
        return type.DeclaringType is { } outer ? $"{NameOf(outer)}.{name}" : name;
    }

    /// <summary>A type as it is used, with <c>?</c> where it may be null.</summary>
    public static string Of(Type type, NullabilityInfo? nullability = null)
    {
        if (type.IsByRef)
            return Of(type.GetElementType()!, nullability);
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Of(underlying, nullability is { GenericTypeArguments: [var inner, ..] } ? inner : null) + "?";
        // Of a parameter without constraints the runtime says that it may be null, whether or not that was written.
        var mark = nullability is { ReadState: NullabilityState.Nullable } && !type.IsValueType && !type.IsGenericParameter ? "?" : "";
        if (type.IsArray)
            return $"{Of(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]{mark}";
        return Plain(type, nullability) + mark;
    }

    public static string Of(ParameterInfo[] parameters) => string.Join(", ", parameters.Select(Of));

    /// <summary>The constraints of type parameters, each as a <c>where</c>.</summary>
    public static string ConstraintsOf(Type[] arguments)
    {
        var all = arguments.Where(argument => argument.IsGenericParameter).Select(argument => (argument.Name, Constraints: ConstraintsOf(argument).ToList()));
        return string.Concat(all.Where(found => found.Constraints.Count > 0).Select(found => $" where {found.Name} : {string.Join(", ", found.Constraints)}"));
    }

    /// <summary>A constant as it is written.</summary>
    public static string Literal(object? value, Type type) => value switch
    {
        null => type.IsValueType && Nullable.GetUnderlyingType(type) is null ? "default" : "null",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ when (Nullable.GetUnderlyingType(type) ?? type) is { IsEnum: true } @enum => $"{NameOf(@enum)}.{Enum.ToObject(@enum, value)}",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Plain(Type type, NullabilityInfo? nullability)
    {
        if (Keywords.TryGetValue(type, out var keyword))
            return keyword;
        if (type.IsGenericParameter)
            return type.Name;
        var name = type.Name.Split('`')[0];
        if (type.IsGenericType)
        {
            var arguments = type.GetGenericArguments().Select((argument, index) => Of(argument, nullability?.GenericTypeArguments.ElementAtOrDefault(index)));
            name += $"<{string.Join(", ", arguments)}>";
        }
        return type.DeclaringType is { } outer ? $"{NameOf(outer)}.{name}" : name;
    }

    private static string Of(ParameterInfo parameter)
    {
        var modifier = parameter switch
        {
            { ParameterType.IsByRef: true, IsOut: true } => "out ",
            { ParameterType.IsByRef: true, IsIn: true } => "in ",
            { ParameterType.IsByRef: true } => "ref ",
            _ when parameter.IsDefined(typeof(ParamArrayAttribute), false) || parameter.IsDefined(typeof(ParamCollectionAttribute), false) => "params ",
            _ => "",
        };
        var standard = parameter.HasDefaultValue ? " = " + Literal(parameter.RawDefaultValue, parameter.ParameterType) : "";
        return $"{modifier}{Of(parameter.ParameterType, Nullability.Create(parameter))} {parameter.Name}{standard}";
    }

    private static IEnumerable<string> ConstraintsOf(Type argument)
    {
        var flags = argument.GenericParameterAttributes;
        var isStruct = flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        if (isStruct)
            yield return "struct";
        if (flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
            yield return "class";
        foreach (var constraint in argument.GetGenericParameterConstraints().Where(constraint => constraint != typeof(ValueType)))
            yield return Of(constraint);
        if (!isStruct && flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint))
            yield return "new()";
    }
}
