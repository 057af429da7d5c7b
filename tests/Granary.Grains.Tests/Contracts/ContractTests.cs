using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Orleans.Concurrency;
using Xunit;

namespace Granary.Grains.Tests.Contracts;

/// <summary>
/// What silos and clients of different versions say to each other: a change of it is a change of this text, and is
/// reviewed as one. <c>GRANARY_UPDATE_API=1</c> writes it anew.
/// </summary>
public sealed class ContractTests
{
    private static readonly Type[] Types = typeof(ClusterEngine).Assembly.GetTypes();

    [Fact]
    public void The_contract_is_as_reviewed()
    {
        string path = Path.GetFullPath(Path.Combine(
            Path.GetDirectoryName(ThisFile())!, "../../../src/Granary.Grains/Contracts/Contract.txt"));
        string now = Describe();
        if (Environment.GetEnvironmentVariable("GRANARY_UPDATE_API") == "1") File.WriteAllText(path, now);
        Assert.Equal(File.ReadAllText(path), now);
    }

    [Fact]
    public void Everything_that_travels_has_a_name_of_its_own()
    {
        foreach (Type type in Interfaces().Concat(Messages()))
            Assert.NotNull(type.GetCustomAttribute<AliasAttribute>());
        foreach (MethodInfo method in Interfaces().SelectMany(type => type.GetMethods()))
            Assert.NotNull(method.GetCustomAttribute<AliasAttribute>());
    }

    [Fact]
    public void Words_of_Core_travel_as_messages_and_never_as_themselves()
    {
        IEnumerable<Type> said = Interfaces().SelectMany(type => type.GetMethods())
            .SelectMany(method => method.GetParameters().Select(p => p.ParameterType).Append(method.ReturnType))
            .Concat(Messages().SelectMany(Members).Select(member => member.Type)).SelectMany(Parts);
        Assert.DoesNotContain(said, type => type.Assembly == typeof(JobId).Assembly);
    }

    private static string Describe()
    {
        var text = new StringBuilder();
        foreach (Type type in Interfaces())
        {
            text.Append($"{Alias(type)} : {string.Join(", ", type.GetInterfaces().Select(i => i.Name).Order())}\n");
            foreach (MethodInfo method in type.GetMethods().OrderBy(Alias, StringComparer.Ordinal))
            {
                string parameters = string.Join(", ", method.GetParameters().Select(p => Name(p.ParameterType)));
                string how = method.IsDefined(typeof(AlwaysInterleaveAttribute)) ? " interleaves" : "";
                text.Append($"  {Alias(method)}({parameters}) {Name(method.ReturnType)}{how}\n");
            }
        }
        foreach (Type type in Messages())
        {
            text.Append($"{Alias(type)}\n");
            foreach ((uint id, string name, Type member) in Members(type).OrderBy(m => m.Id))
                text.Append($"  {id} {name} {Name(member)}\n");
        }
        return text.ToString();
    }

    private static IEnumerable<Type> Interfaces() => Types
        .Where(type => type.IsInterface && type.IsAssignableTo(typeof(IGrain))).OrderBy(Alias, StringComparer.Ordinal);

    private static IEnumerable<Type> Messages() => Types
        .Where(type => type.IsDefined(typeof(GenerateSerializerAttribute))).OrderBy(Alias, StringComparer.Ordinal);

    private static IEnumerable<(uint Id, string Name, Type Type)> Members(Type type)
    {
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        foreach (PropertyInfo property in type.GetProperties(All))
            if (property.GetCustomAttribute<IdAttribute>() is { } id)
                yield return (id.Id, property.Name, property.PropertyType);
        foreach (FieldInfo field in type.GetFields(All))
            if (field.GetCustomAttribute<IdAttribute>() is { } id && !field.Name.Contains('<'))
                yield return (id.Id, field.Name, field.FieldType);
    }

    private static string Alias(MemberInfo member) => member.GetCustomAttribute<AliasAttribute>()?.Alias ?? member.Name;

    private static IEnumerable<Type> Parts(Type type) => type switch
    {
        { IsArray: true } => Parts(type.GetElementType()!),
        { IsGenericType: true } => type.GetGenericArguments().SelectMany(Parts),
        _ => [type],
    };

    private static string Name(Type type) => type switch
    {
        { IsArray: true } => $"{Name(type.GetElementType()!)}[]",
        { IsGenericType: true } =>
            $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>",
        { IsEnum: true } => $"{type.Name}({string.Join(" ", Values(type))})",
        _ => type.IsDefined(typeof(AliasAttribute)) ? Alias(type) : type.Name,
    };

    private static IEnumerable<string> Values(Type type) =>
        Enum.GetValues(type).Cast<object>().Select(value => $"{Convert.ToInt32(value, null)}={value}");

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
