using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Granary.House.Tests;

/// <summary>
/// Writes an assembly's public surface as text, one member a line, whatever their order in the source.
/// </summary>
internal static class PublicApi
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic
        | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext s_nullability = new();

    public static string Of(Assembly assembly) => string.Join('\n',
        assembly.GetExportedTypes().Where(IsWritten).OrderBy(Name, StringComparer.Ordinal).Select(Describe)) + "\n";

    // What Orleans generates for serialization is public for its own sake.
    private static bool IsWritten(Type type) =>
        type.Namespace?.StartsWith("OrleansCodeGen", StringComparison.Ordinal) != true;

    private static string Describe(Type type)
    {
        IEnumerable<string> members = type.IsEnum
            ? Enum.GetNames(type).Select(n => $"{n} = {Enum.Format(type, Enum.Parse(type, n), "d")}")
            : from member in type.GetMembers(Declared)
              where IsVisible(member) && !IsGenerated(member)
              let line = Describe(member)
              orderby line
              select line;
        return string.Join('\n', members.Prepend(Header(type)).Select((line, i) => i == 0 ? line : "  " + line));
    }

    private static string Header(Type type)
    {
        string kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => "struct",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
        IEnumerable<string> bases = type.GetInterfaces().Where(i => i.IsPublic && !i.IsGenericType).Select(Name)
            .Order();
        Type[] plain = [typeof(object), typeof(ValueType), typeof(Enum)];
        if (type.BaseType is { } parent && !plain.Contains(parent)) bases = bases.Prepend(Name(parent));
        string list = type.IsEnum ? Name(Enum.GetUnderlyingType(type)) : string.Join(", ", bases);
        return $"{kind} {Name(type)}{(list.Length == 0 ? "" : " : " + list)}";
    }

    private static string Describe(MemberInfo member) => member switch
    {
        ConstructorInfo made => $"new({Parameters(made)})",
        MethodInfo called => Describe(called),
        PropertyInfo property => Describe(property),
        FieldInfo { IsLiteral: true } constant =>
            $"const {Name(constant.FieldType)} {constant.Name} = {Value(constant.GetRawConstantValue())}",
        FieldInfo field => $"{(field.IsStatic ? "static " : "")}{Name(field.FieldType)} {field.Name}",
        EventInfo raised => $"event {Name(raised.EventHandlerType!)} {raised.Name}",
        Type nested => $"type {nested.Name}",
        _ => member.ToString()!,
    };

    private static string Describe(MethodInfo method)
    {
        string result = Name(method.ReturnType) + Mark(s_nullability.Create(method.ReturnParameter));
        return $"{Static(method)}{result} {method.Name}{Generic(method)}({Parameters(method)})";
    }

    private static string Describe(PropertyInfo property)
    {
        MethodInfo? set = property.SetMethod is { } method && IsVisible(method) ? method : null;
        bool init = set?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) == true;
        string required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        string index = string.Join(", ", property.GetIndexParameters().Select(p => Name(p.ParameterType)));
        string type = Name(property.PropertyType) + Mark(s_nullability.Create(property));
        string name = property.Name + (index.Length == 0 ? "" : $"[{index}]");
        string accessors = set is null ? "get;" : init ? "get; init;" : "get; set;";
        return $"{Static(property.GetMethod ?? property.SetMethod!)}{required}{type} {name} {{ {accessors} }}";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(p =>
        $"{(p.IsOut ? "out " : "")}{Name(p.ParameterType)}{Mark(s_nullability.Create(p))} {p.Name}"
        + (p.HasDefaultValue ? $" = {Value(p.RawDefaultValue)}" : "")));

    private static bool IsVisible(MemberInfo member) => member switch
    {
        MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
        FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(IsVisible),
        EventInfo raised => IsVisible(raised.AddMethod!),
        Type nested => nested.IsNestedPublic || nested.IsNestedFamily,
        _ => false,
    };

    // Accessors are said by their property; what the compiler adds to records is known.
    private static bool IsGenerated(MemberInfo member) =>
        member is MethodInfo { IsSpecialName: true } method && !method.Name.StartsWith("op_", StringComparison.Ordinal)
        || member.IsDefined(typeof(CompilerGeneratedAttribute)) && member is MethodBase
        || member.Name is "EqualityContract" or "PrintMembers" or "<Clone>$"
        || member.DeclaringType!.IsSubclassOf(typeof(Delegate)) && member.Name != "Invoke";

    private static string Name(Type type)
    {
        if (type.IsByRef) return Name(type.GetElementType()!);
        if (type.IsArray) return Name(type.GetElementType()!) + "[]";
        if (Nullable.GetUnderlyingType(type) is { } value) return Name(value) + "?";
        if (type.IsGenericParameter) return type.Name;
        string space = type.Namespace?.Split('.')[0] == "Granary" ? type.Namespace + "." : "";
        string outer = type.IsNested ? type.DeclaringType!.Name + "." : "";
        string plain = type.Name.Split('`')[0];
        string arguments = type.IsGenericType ? $"<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : "";
        return space + outer + plain + arguments;
    }

    private static string Mark(NullabilityInfo info) =>
        !info.Type.IsValueType && !info.Type.IsGenericParameter
            && (info.ReadState == NullabilityState.Nullable || info.WriteState == NullabilityState.Nullable) ? "?" : "";

    private static string Generic(MethodInfo method) =>
        method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";

    private static string Static(MethodInfo method) => method.IsStatic ? "static " : "";

    private static string Value(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };
}
