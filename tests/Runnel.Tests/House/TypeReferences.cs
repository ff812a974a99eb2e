using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Runnel.Tests.House;

/// <summary>Which types of an assembly use which others of the same assembly, read from the compiled code.</summary>
/// <remarks>
/// Signatures, base types, attributes, local variables, caught exceptions and every token in a method's instructions count. What the compiler
/// nests in a type (lambdas, state machines) counts as that type. Constants and <c>nameof</c> leave no trace in the compiled code, so they do not count.
/// </remarks>
internal sealed class TypeReferences
{
    private static readonly Dictionary<ushort, OperandType> Operands = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => (ushort)code.Value, code => code.OperandType);

    private readonly MetadataReader _metadata;
    private readonly PEReader _file;
    private readonly Collector _collector;
    private readonly Dictionary<string, HashSet<string>> _uses = new(StringComparer.Ordinal);

    private TypeReferences(PEReader file)
    {
        _file = file;
        _metadata = file.GetMetadataReader();
        _collector = new Collector(_metadata);
    }

    /// <summary>For each type of the assembly, by its full name, the others that it uses.</summary>
    public static IReadOnlyDictionary<string, HashSet<string>> Of(string assemblyPath)
    {
        using var stream = File.OpenRead(assemblyPath);
        using var file = new PEReader(stream);
        var references = new TypeReferences(file);
        references.ReadAll();
        return references._uses;
    }

    private void ReadAll()
    {
        foreach (var handle in _metadata.TypeDefinitions)
        {
            var name = NameOf(_metadata, handle);
            if (name.Contains('<', StringComparison.Ordinal))
                continue; // of the compiler's own: <Module>, <PrivateImplementationDetails>
            _collector.Found.Clear();
            Read(_metadata.GetTypeDefinition(handle));
            if (!_uses.TryGetValue(name, out var uses))
                _uses.Add(name, uses = new(StringComparer.Ordinal));
            uses.UnionWith(_collector.Found.Where(used => used != name && !used.Contains('<', StringComparison.Ordinal)));
        }
    }

    private void Read(TypeDefinition type)
    {
        Use(type.BaseType);
        foreach (var handle in type.GetInterfaceImplementations())
            Use(_metadata.GetInterfaceImplementation(handle).Interface);
        UseConstraints(type.GetGenericParameters());
        UseAttributes(type.GetCustomAttributes());
        foreach (var handle in type.GetFields())
        {
            var field = _metadata.GetFieldDefinition(handle);
            field.DecodeSignature(_collector, null);
            UseAttributes(field.GetCustomAttributes());
        }
        foreach (var handle in type.GetProperties())
            UseAttributes(_metadata.GetPropertyDefinition(handle).GetCustomAttributes());
        foreach (var handle in type.GetMethods())
            Read(_metadata.GetMethodDefinition(handle));
    }

    private void Read(MethodDefinition method)
    {
        method.DecodeSignature(_collector, null);
        UseConstraints(method.GetGenericParameters());
        UseAttributes(method.GetCustomAttributes());
        if (method.RelativeVirtualAddress == 0)
            return;
        var body = _file.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
            _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(_collector, null);
        foreach (var region in body.ExceptionRegions)
            Use(region.CatchType);
        ReadInstructions(body.GetILReader());
    }

    private void ReadInstructions(BlobReader code)
    {
        while (code.RemainingBytes > 0)
        {
            ushort instruction = code.ReadByte();
            if (instruction == 0xFE)
                instruction = (ushort)(0xFE00 | code.ReadByte());
            switch (Operands[instruction])
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType or OperandType.InlineSig:
                    Use((EntityHandle)System.Reflection.Metadata.Ecma335.MetadataTokens.Handle(code.ReadInt32()));
                    break;
                case OperandType.InlineSwitch:
                    var cases = code.ReadInt32();
                    code.Offset += 4 * cases;
                    break;
                case var operand:
                    code.Offset += LengthOf(operand);
                    break;
            }
        }
    }

    private static int LengthOf(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    private void Use(EntityHandle handle)
    {
        if (handle.IsNil)
            return;
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                _collector.Found.Add(NameOf(_metadata, (TypeDefinitionHandle)handle));
                break;
            case HandleKind.TypeSpecification:
                _metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(_collector, null);
                break;
            case HandleKind.MethodDefinition:
                Use(_metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.FieldDefinition:
                Use(_metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MethodSpecification:
                var instance = _metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                instance.DecodeSignature(_collector, null);
                Use(instance.Method);
                break;
            case HandleKind.StandaloneSignature:
                _metadata.GetStandaloneSignature((StandaloneSignatureHandle)handle).DecodeMethodSignature(_collector, null);
                break;
            case HandleKind.MemberReference:
                var member = _metadata.GetMemberReference((MemberReferenceHandle)handle);
                Use(member.Parent);
                if (member.GetKind() == MemberReferenceKind.Method)
                    member.DecodeMethodSignature(_collector, null);
                else
                    member.DecodeFieldSignature(_collector, null);
                break;
        }
    }

    private void UseConstraints(GenericParameterHandleCollection parameters)
    {
        foreach (var parameter in parameters)
        {
            foreach (var handle in _metadata.GetGenericParameter(parameter).GetConstraints())
                Use(_metadata.GetGenericParameterConstraint(handle).Type);
        }
    }

    private void UseAttributes(CustomAttributeHandleCollection attributes)
    {
        foreach (var handle in attributes)
        {
            var attribute = _metadata.GetCustomAttribute(handle);
            Use(attribute.Constructor);
            attribute.DecodeValue(_collector); // finds typeof(…), too
        }
    }

    /// <summary>The full name of the outermost type around one, without its number of type parameters.</summary>
    private static string NameOf(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        while (type.GetDeclaringType() is { IsNil: false } outer)
            type = metadata.GetTypeDefinition(outer);
        var name = metadata.GetString(type.Name).Split('`')[0];
        var space = metadata.GetString(type.Namespace);
        return space.Length == 0 ? name : $"{space}.{name}";
    }

    /// <summary>Notes each type of the assembly that a signature or an attribute names.</summary>
    private sealed class Collector(MetadataReader metadata) : ISignatureTypeProvider<string, object?>, ICustomAttributeTypeProvider<string>
    {
        public HashSet<string> Found { get; } = new(StringComparer.Ordinal);

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            var name = NameOf(metadata, handle);
            Found.Add(name);
            return name;
        }

        public string GetTypeFromSpecification(MetadataReader reader, object? context, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, context);

        // As an attribute writes it: with its assembly's name only when that is another one.
        public string GetTypeFromSerializedName(string name)
        {
            if (!name.Contains(',', StringComparison.Ordinal))
                Found.Add(name.Split('+')[0].Split('`')[0]);
            return name;
        }

        // Other assemblies' types are nobody's neighbours here; but how an attribute is to be read depends on whether it takes a type.
        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
            $"{reader.GetString(reader.GetTypeReference(handle).Namespace)}.{reader.GetString(reader.GetTypeReference(handle).Name)}";

        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => "";

        public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) => genericType;

        public string GetArrayType(string elementType, ArrayShape shape) => elementType;

        public string GetSZArrayType(string elementType) => elementType;

        public string GetByReferenceType(string elementType) => elementType;

        public string GetPointerType(string elementType) => elementType;

        public string GetPinnedType(string elementType) => elementType;

        public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;

        public string GetFunctionPointerType(MethodSignature<string> signature) => "";

        public string GetGenericMethodParameter(object? genericContext, int index) => "";

        public string GetGenericTypeParameter(object? genericContext, int index) => "";

        public string GetSystemType() => "System.Type";

        public bool IsSystemType(string type) => type == "System.Type";

        public PrimitiveTypeCode GetUnderlyingEnumType(string type) => UnderlyingOf(type) switch
        {
            TypeCode.Byte => PrimitiveTypeCode.Byte,
            TypeCode.SByte => PrimitiveTypeCode.SByte,
            TypeCode.Int16 => PrimitiveTypeCode.Int16,
            TypeCode.UInt16 => PrimitiveTypeCode.UInt16,
            TypeCode.Int64 => PrimitiveTypeCode.Int64,
            TypeCode.UInt64 => PrimitiveTypeCode.UInt64,
            _ => PrimitiveTypeCode.Int32,
        };

        private static TypeCode UnderlyingOf(string name) =>
            Type.GetTypeCode(AppDomain.CurrentDomain.GetAssemblies().Select(assembly => assembly.GetType(name.Split(',')[0])).FirstOrDefault(type => type is not null));
    }
}
