using System.Reflection;
using System.Runtime.CompilerServices;

namespace Runnel.Tests.House;

/// <summary>An assembly's public API as text: every type and member that another assembly can use, as C# would declare it, sorted.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static string Of(Assembly assembly)
    {
        var lines = new List<string>();
        var types = assembly.GetTypes().Where(IsVisible).OrderBy(type => type.Namespace, StringComparer.Ordinal).ThenBy(type => CSharp.NameOf(type), StringComparer.Ordinal);
        foreach (var group in types.GroupBy(type => type.Namespace))
        {
            lines.Add($"namespace {group.Key}");
            foreach (var type in group)
                lines.AddRange(["", DeclarationOf(type), .. MembersOf(type).Select(member => "    " + member)]);
            lines.Add("");
        }
        return string.Join('\n', lines);
    }

    private static bool IsVisible(Type type) =>
        type.Name[0] != '<' && !IsGenerated(type)
        && (type.DeclaringType is null ? type.IsPublic : (type.IsNestedPublic || (type.IsNestedFamily && !type.DeclaringType.IsSealed)) && IsVisible(type.DeclaringType));

    private static bool IsGenerated(MemberInfo member) => member.IsDefined(typeof(CompilerGeneratedAttribute), false);

    private static string DeclarationOf(Type type)
    {
        var attributes = type.IsDefined(typeof(FlagsAttribute), false) ? "[Flags] " : "";
        var access = type.IsNestedFamily ? "protected" : "public";
        if (typeof(Delegate).IsAssignableFrom(type))
            return $"{attributes}{access} delegate {Signature(type.GetMethod("Invoke")!, CSharp.NameOf(type))}";
        var bases = BasesOf(type).ToList();
        return $"{attributes}{access} {KindOf(type)} {CSharp.NameOf(type)}{(bases.Count > 0 ? " : " + string.Join(", ", bases) : "")}{CSharp.ConstraintsOf(type.GetGenericArguments())}";
    }

    private static string KindOf(Type type)
    {
        if (type.IsEnum)
            return "enum";
        if (type.IsInterface)
            return "interface";
        if (type.IsValueType)
        {
            return (type.IsDefined(typeof(IsReadOnlyAttribute), false) ? "readonly " : "") + (type.IsByRefLike ? "ref " : "") + (IsRecord(type) ? "record struct" : "struct");
        }
        var modifier = type switch { { IsAbstract: true, IsSealed: true } => "static ", { IsAbstract: true } => "abstract ", { IsSealed: true } => "sealed ", _ => "" };
        return modifier + (IsRecord(type) ? "record" : "class");
    }

    private static bool IsRecord(Type type) => type.GetMethod("PrintMembers", Declared) is { } print && IsGenerated(print);

    private static IEnumerable<string> BasesOf(Type type)
    {
        if (type.IsEnum)
        {
            var underlying = Enum.GetUnderlyingType(type);
            return underlying == typeof(int) ? [] : [CSharp.Of(underlying)];
        }
        var inherited = (type.BaseType?.GetInterfaces() ?? []).Concat(type.GetInterfaces().SelectMany(other => other.GetInterfaces())).ToHashSet();
        var interfaces = type.GetInterfaces()
            .Where(other => other.IsVisible && !inherited.Contains(other) && !(IsRecord(type) && other.Name == "IEquatable`1"))
            .Select(other => CSharp.Of(other)).Order(StringComparer.Ordinal);
        var isPlain = type.BaseType is null || type.BaseType == typeof(object) || type.BaseType == typeof(ValueType);
        return isPlain ? interfaces : interfaces.Prepend(CSharp.Of(type.BaseType!));
    }

    private static IEnumerable<string> MembersOf(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
            return [];
        if (type.IsEnum)
            return type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => $"{field.Name} = {Convert.ToInt64(field.GetRawConstantValue(), null)}");
        return type.GetMembers(Declared)
            .Where(member => !IsGenerated(member) && member is not Type)
            .Select(member => (Order: OrderOf(member), member.Name, Text: TextOf(member, type)))
            .Where(member => member.Text is not null)
            .OrderBy(member => member.Order).ThenBy(member => member.Name, StringComparer.Ordinal).ThenBy(member => member.Text, StringComparer.Ordinal)
            .Select(member => member.Text!);
    }

    private static int OrderOf(MemberInfo member) => member switch { FieldInfo => 0, ConstructorInfo => 1, PropertyInfo => 2, EventInfo => 3, _ => 4 };

    private static string? TextOf(MemberInfo member, Type type) => member switch
    {
        FieldInfo field => AccessOf(field.IsPublic, field.IsFamily || field.IsFamilyOrAssembly, type) is { } access ? access + FieldText(field) : null,
        ConstructorInfo constructor => Access(constructor, type) is { } access && !constructor.IsStatic && !IsImplicit(constructor, type)
            ? $"{access}{type.Name.Split('`')[0]}({CSharp.Of(constructor.GetParameters())})"
            : null,
        PropertyInfo property => PropertyText(property, type),
        EventInfo @event => Access(@event.AddMethod!, type) is { } access
            ? $"{access}{ModifiersOf(@event.AddMethod!, type)}event {CSharp.Of(@event.EventHandlerType!, CSharp.Nullability.Create(@event))} {@event.Name}"
            : null,
        MethodInfo { IsSpecialName: false } method => Access(method, type) is { } access ? access + ModifiersOf(method, type) + Signature(method, method.Name) : null,
        MethodInfo { Name: "op_Implicit" or "op_Explicit" } method =>
            $"static {(method.Name == "op_Implicit" ? "implicit" : "explicit")} operator {CSharp.Of(method.ReturnType)}({CSharp.Of(method.GetParameters())})",
        MethodInfo { IsSpecialName: true } method when method.Name.StartsWith("op_", StringComparison.Ordinal) =>
            $"static {CSharp.Of(method.ReturnType)} operator {method.Name[3..]}({CSharp.Of(method.GetParameters())})",
        _ => null,
    };

    // A struct always has one, and so has an abstract class that declares none: nothing is said by it.
    private static bool IsImplicit(ConstructorInfo constructor, Type type) => type.IsAbstract && constructor.GetParameters().Length == 0;

    private static string FieldText(FieldInfo field)
    {
        var type = CSharp.Of(field.FieldType, CSharp.Nullability.Create(field));
        if (field.IsLiteral)
            return $"const {type} {field.Name} = {CSharp.Literal(field.GetRawConstantValue(), field.FieldType)}";
        return $"{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{type} {field.Name}";
    }

    private static string? PropertyText(PropertyInfo property, Type type)
    {
        var (getter, setter) = (Shown(property.GetMethod, type), Shown(property.SetMethod, type));
        if ((getter ?? setter) is not { } shown)
            return null;
        var access = Access(shown, type)!;
        var required = property.IsDefined(typeof(RequiredMemberAttribute), false) ? "required " : "";
        var name = property.GetIndexParameters() is { Length: > 0 } parameters ? $"this[{CSharp.Of(parameters)}]" : property.Name;
        var accessors = (getter is null ? "" : "get; ") + (setter is null ? "" : SetterOf(setter, access, type));
        return $"{access}{ModifiersOf(shown, type)}{required}{CSharp.Of(property.PropertyType, CSharp.Nullability.Create(property))} {name} {{ {accessors}}}";
    }

    private static string SetterOf(MethodInfo setter, string accessOfProperty, Type type)
    {
        var isInit = setter.ReturnParameter.GetRequiredCustomModifiers().Any(modifier => modifier.Name == "IsExternalInit");
        var access = Access(setter, type)!;
        return (access == accessOfProperty ? "" : access) + (isInit ? "init; " : "set; ");
    }

    private static MethodInfo? Shown(MethodInfo? method, Type type) => method is not null && Access(method, type) is not null ? method : null;

    private static string? Access(MethodBase method, Type type) => AccessOf(method.IsPublic, method.IsFamily || method.IsFamilyOrAssembly, type);

    /// <summary>Nothing for public, which is the rule; <see langword="null"/> for what cannot be seen.</summary>
    private static string? AccessOf(bool isPublic, bool isProtected, Type type)
    {
        if (isPublic)
            return "";
        return isProtected && !type.IsSealed ? "protected " : null;
    }

    private static string ModifiersOf(MethodInfo method, Type type)
    {
        if (type.IsInterface)
            return method.IsStatic ? "static " : "";
        if (method.IsStatic)
            return "static ";
        if (method.GetBaseDefinition().DeclaringType != method.DeclaringType)
            return method.IsFinal ? "sealed override " : "override ";
        if (method.IsAbstract)
            return "abstract ";
        return method.IsVirtual && !method.IsFinal ? "virtual " : "";
    }

    private static string Signature(MethodInfo method, string name)
    {
        var generics = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>" : "";
        var extension = method.IsDefined(typeof(ExtensionAttribute), false) ? "this " : "";
        return $"{CSharp.Of(method.ReturnType, CSharp.Nullability.Create(method.ReturnParameter))} {name}{generics}({extension}{CSharp.Of(method.GetParameters())})"
            + CSharp.ConstraintsOf(method.GetGenericArguments());
    }
}
