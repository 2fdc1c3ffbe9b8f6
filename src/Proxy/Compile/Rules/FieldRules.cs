using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;

namespace Lateen.Proxy.Compile.Rules;

/// <summary>
/// The limits that the API itself sets to each field, whatever becomes of it: what must be there, lengths, numbers, names of headers; no
/// negative time, no value that an enumeration does not have; and no field that the proxy does not look at, but for those that need not
/// be looked at. A resource that breaks one is refused. What fields mean to one another is for the compilers. Any thread.
/// </summary>
internal static class FieldRules
{
    private static readonly Lazy<Dictionary<string, List<(string Field, string[] Words)>>> Table = new(() => Read("FieldRules.txt"));
    private static readonly Lazy<Dictionary<string, List<(string Field, string[] Words)>>> Unread = new(() => Read("UnreadFields.txt"));
    private static readonly ConcurrentDictionary<MessageDescriptor, MessagePlan> Plans = new();

    /// <exception cref="ConfigRefusedException">A field, named by its path, breaks a limit.</exception>
    public static void Check(IMessage message) => Check(message, "");

    private static void Check(IMessage message, string path)
    {
        var plan = Plans.GetOrAdd(message.Descriptor, static descriptor => new MessagePlan(descriptor, Table.Value.GetValueOrDefault(descriptor.FullName) ?? [], Unread.Value.GetValueOrDefault(descriptor.FullName) ?? []));
        foreach (var oneof in plan.Required)
            if (oneof.Accessor.GetCaseFieldDescriptor(message) is null)
                throw new ConfigRefusedException(path.Length == 0 ? oneof.Name : path, $"none of {oneof.Name} is set");
        foreach (var field in plan.Fields) Check(message, field, path.Length == 0 ? field.Descriptor.Name : $"{path}.{field.Descriptor.Name}");
    }

    private static void Check(IMessage message, FieldPlan plan, string path)
    {
        var field = plan.Descriptor;
        if (field.RealContainingOneof is { } oneof && oneof.Accessor.GetCaseFieldDescriptor(message) != field) return;
        var value = field.Accessor.GetValue(message);
        if (plan.Unread)
        {
            if (IsSet(field, message, value)) throw new ConfigRefusedException(path, "is not supported");
        }
        else if (field.IsMap)
        {
            CountItems(plan, ((IDictionary)value).Count, path);
            foreach (DictionaryEntry pair in (IDictionary)value)
            {
                CheckAll(plan.Keys, pair.Key, $"{path}[{pair.Key}]", ignoreEmpty: false);
                CheckItem(plan, pair.Value!, $"{path}[{pair.Key}]");
            }
        }
        else if (field.IsRepeated)
        {
            var list = (IList)value;
            CountItems(plan, list.Count, path);
            if (plan.Unique && list.Cast<object>().Distinct().Count() < list.Count) throw new ConfigRefusedException(path, "holds the same twice");
            for (var i = 0; i < list.Count; i++) CheckItem(plan, list[i]!, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"));
        }
        else if (value is null)
        {
            if (plan.Required) throw new ConfigRefusedException(path, "is missing");
        }
        else CheckValue(plan.Own, plan.IgnoreEmpty, value, path);
    }

    private static bool IsSet(FieldDescriptor field, IMessage message, object? value) => value switch
    {
        ICollection list => list.Count > 0,
        null or "" or false => false,
        string or IMessage => true,
        ByteString bytes => bytes.Length > 0,
        _ when field.HasPresence => field.Accessor.HasValue(message),
        _ => Convert.ToDouble(value, CultureInfo.InvariantCulture) != 0,
    };

    private static void CountItems(FieldPlan plan, int count, string path)
    {
        if (count < plan.LeastItems) throw new ConfigRefusedException(path, plan.LeastItems == 1 ? "is empty" : $"has fewer than {plan.LeastItems} items");
        if (count > plan.MostItems) throw new ConfigRefusedException(path, $"has more than {plan.MostItems} items");
    }

    private static void CheckItem(FieldPlan plan, object value, string path) => CheckValue(plan.Each, plan.EachIgnoresEmpty, value, path);

    private static void CheckValue(FieldRule[] rules, bool ignoreEmpty, object value, string path)
    {
        switch (value)
        {
            case Duration duration:
                if (duration.Seconds < 0 || duration.Nanos < 0) throw new ConfigRefusedException(path, "is less than no time");
                break;
            case Any any:
                if (AnyRegistry.Find(any.TypeUrl) is { } type) Check(Unpack(type, any, path), path);
                return;
            case IMessage inner:
                Check(inner, path);
                return;
            case System.Enum when !System.Enum.IsDefined(value.GetType(), value):
                throw new ConfigRefusedException(path, $"has no value {Convert.ToInt32(value, CultureInfo.InvariantCulture)}");
        }
        CheckAll(rules, value, path, ignoreEmpty);
    }

    private static void CheckAll(FieldRule[] rules, object value, string path, bool ignoreEmpty)
    {
        if (ignoreEmpty && value is "" or 0 or 0U or 0L or 0UL) return;
        foreach (var rule in rules)
            if (rule.Problem(value) is { } problem)
                throw new ConfigRefusedException(path, problem);
    }

    private static IMessage Unpack(MessageDescriptor type, Any any, string path)
    {
        try
        {
            return type.Parser.ParseFrom(any.Value);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new ConfigRefusedException(path, $"{any.TypeUrl}: {e.Message}");
        }
    }

    /// <summary>A line that begins with a blank is a field and its rules, any other the message that the fields after it are of.</summary>
    private static Dictionary<string, List<(string, string[])>> Read(string file)
    {
        var table = new Dictionary<string, List<(string, string[])>>(StringComparer.Ordinal);
        using var reader = new StreamReader(typeof(FieldRules).Assembly.GetManifestResourceStream(file)!);
        List<(string, string[])> fields = [];
        while (reader.ReadLine() is { } line)
            if (line.Length == 0 || line[0] == '#') continue;
            else if (line[0] == ' ') fields.Add(line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is var words ? (words[0], words[1..]) : default);
            else table[line] = fields = [];
        return table;
    }

    /// <summary>What there is to look at in messages of one type.</summary>
    private sealed class MessagePlan
    {
        public MessagePlan(MessageDescriptor descriptor, List<(string Field, string[] Words)> rules, List<(string Field, string[] Words)> unread)
        {
            Required = [.. rules.Where(rule => rule.Words.Contains("one_of")).Select(rule => descriptor.Oneofs.FirstOrDefault(oneof => oneof.Name == rule.Field)).OfType<OneofDescriptor>()];
            Fields = descriptor.FullName.StartsWith("google.protobuf.", StringComparison.Ordinal) ? []
                : [.. descriptor.Fields.InDeclarationOrder().Select(field => new FieldPlan(field, rules.FirstOrDefault(rule => rule.Field == field.Name).Words ?? [], unread.Any(rule => rule.Field == field.Name))).Where(plan => plan.IsWorthALook)];
        }

        public OneofDescriptor[] Required { get; }

        public FieldPlan[] Fields { get; }
    }

    /// <summary>What there is to look at in one field.</summary>
    private sealed class FieldPlan
    {
        public FieldPlan(FieldDescriptor descriptor, string[] words, bool unread)
        {
            (Descriptor, Unread) = (descriptor, unread);
            var rest = new List<string>();
            foreach (var word in words)
                if (word == "required") Required = true;
                else if (word == "unique") Unique = true;
                else if (word == "ignore_empty") IgnoreEmpty = true;
                else if (word == "each:ignore_empty") EachIgnoresEmpty = true;
                else if (word.StartsWith("min_items=", StringComparison.Ordinal)) LeastItems = int.Parse(word[10..], CultureInfo.InvariantCulture);
                else if (word.StartsWith("max_items=", StringComparison.Ordinal)) MostItems = int.Parse(word[10..], CultureInfo.InvariantCulture);
                else if (word is not ("one_of" or "each:required")) rest.Add(word);
            Each = [.. rest.Where(word => word.StartsWith("each:", StringComparison.Ordinal)).Select(word => FieldRule.Parse(word[5..]))];
            Keys = [.. rest.Where(word => word.StartsWith("key:", StringComparison.Ordinal)).Select(word => FieldRule.Parse(word[4..]))];
            Own = [.. rest.Where(word => !word.StartsWith("each:", StringComparison.Ordinal) && !word.StartsWith("key:", StringComparison.Ordinal)).Select(FieldRule.Parse)];
            IsWorthALook = unread || words.Length > 0 || (descriptor.IsMap ? descriptor.MessageType.FindFieldByNumber(2) : descriptor).FieldType is FieldType.Message or FieldType.Enum;
        }

        public FieldDescriptor Descriptor { get; }

        public bool IsWorthALook { get; }

        /// <summary>The proxy does not look at it.</summary>
        public bool Unread { get; }

        public bool Required { get; }

        public bool Unique { get; }

        public bool IgnoreEmpty { get; }

        public bool EachIgnoresEmpty { get; }

        public int LeastItems { get; }

        public int MostItems { get; } = int.MaxValue;

        public FieldRule[] Own { get; }

        public FieldRule[] Each { get; }

        public FieldRule[] Keys { get; }
    }
}
