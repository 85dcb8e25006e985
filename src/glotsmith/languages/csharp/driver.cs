// Compiled together with candidate.cs. Inside a namespace, so that no type of the candidate takes the place of ours.
namespace Glotsmith
{
    using global::System;
    using global::System.Collections;
    using global::System.Collections.Generic;
    using global::System.Globalization;
    using global::System.Linq;
    using global::System.Numerics;
    using global::System.Reflection;
    using global::System.Runtime.CompilerServices;
    using global::System.Runtime.InteropServices;
    using global::System.Text;
    using global::System.Threading;

    static class Arguments
    {
@{bindings}
    }

    class Unfit : Exception
    {
        public Unfit(object x, Type type)
            : base(global::System.Convert.ToString(x ?? "null", CultureInfo.InvariantCulture) + " does not fit the declared type " + type)
        {
        }
    }

    class Mismatch : Exception
    {
        public Mismatch(string why) : base(why) { }
    }

    /// <summary>A call without the runtime between: it would not end at an overflow of the stack.</summary>
    abstract class Caller
    {
        public abstract object Call(MethodInfo f, object[] x);

        protected static T Of<T>(MethodInfo f) { return (T)(object)Delegate.CreateDelegate(typeof(T), f); }
    }

    class Caller<R> : Caller
    {
        public override object Call(MethodInfo f, object[] x) { return Of<Func<R>>(f)(); }
    }

    class Caller<A, R> : Caller
    {
        public override object Call(MethodInfo f, object[] x) { return Of<Func<A, R>>(f)((A)x[0]); }
    }

    class Caller<A, B, R> : Caller
    {
        public override object Call(MethodInfo f, object[] x) { return Of<Func<A, B, R>>(f)((A)x[0], (B)x[1]); }
    }

    class Caller<A, B, C, R> : Caller
    {
        public override object Call(MethodInfo f, object[] x) { return Of<Func<A, B, C, R>>(f)((A)x[0], (B)x[1], (C)x[2]); }
    }

    class Caller<A, B, C, D, R> : Caller
    {
        public override object Call(MethodInfo f, object[] x) { return Of<Func<A, B, C, D, R>>(f)((A)x[0], (B)x[1], (C)x[2], (D)x[3]); }
    }

    class Caller<A, B, C, D, E, R> : Caller
    {
        public override object Call(MethodInfo f, object[] x) { return Of<Func<A, B, C, D, E, R>>(f)((A)x[0], (B)x[1], (C)x[2], (D)x[3], (E)x[4]); }
    }

    class Caller<A, B, C, D, E, F, R> : Caller
    {
        public override object Call(MethodInfo f, object[] x) { return Of<Func<A, B, C, D, E, F, R>>(f)((A)x[0], (B)x[1], (C)x[2], (D)x[3], (E)x[4], (F)x[5]); }
    }

    /// <summary>The candidate's function: the overload that the arguments can be passed to with the fewest conversions.</summary>
    static class Entry
    {
        const BindingFlags Static = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

        static readonly MethodInfo[] Methods = typeof(global::Problem).GetMethods(Static | BindingFlags.FlattenHierarchy)
            .Where(m => m.Name == "@{name}" && (m.IsPublic || m.IsAssembly || m.IsFamilyOrAssembly) && m.ReturnType != typeof(void))
            .ToArray();

        static readonly Type[] Callers =
        {
            typeof(Caller<>), typeof(Caller<,>), typeof(Caller<,,>), typeof(Caller<,,,>), typeof(Caller<,,,,>), typeof(Caller<,,,,,>),
            typeof(Caller<,,,,,,>),
        };

        public static string Mismatch(string prefix)
        {
            try { Best(prefix); }
            catch (Unfit) { }
            catch (Mismatch error) { return error.Message; }
            return null;
        }

        public static object Call(string prefix)
        {
            var best = Best(prefix);
            var types = best.Item1.GetParameters().Select(p => p.ParameterType).Concat(new[] { best.Item1.ReturnType }).ToArray();
            if (types.Length <= Callers.Length)
            {
                Type caller = Callers[types.Length - 1].MakeGenericType(types);
                return ((Caller)Activator.CreateInstance(caller)).Call(best.Item1, best.Item2);
            }
            try { return best.Item1.Invoke(null, best.Item2); }
            catch (TargetInvocationException error) { throw error.InnerException; }
        }

        static Tuple<MethodInfo, object[]> Best(string prefix)
        {
            var fields = new List<FieldInfo>();
            for (FieldInfo field; (field = typeof(Arguments).GetField(prefix + fields.Count)) != null;) fields.Add(field);
            object[] values = fields.Select(f => f.GetValue(null)).ToArray();
            Exception why = null;
            Tuple<MethodInfo, object[]> best = null;
            int least = int.MaxValue;
            foreach (var each in Methods)
            {
                try
                {
                    MethodInfo method = Closed(each, fields);
                    object[] passed = method == null ? null : Passed(method.GetParameters(), values);
                    if (passed == null) continue;
                    int changes = passed.Length - values.Length;
                    for (int i = 0; i < values.Length && i < passed.Length; i++)
                        if (!Equals(passed[i], values[i]) || passed[i] != null && passed[i].GetType() != values[i].GetType()) changes += 2;
                    if (changes >= least) continue;
                    least = changes;
                    best = Tuple.Create(method, passed);
                }
                catch (Unfit error) { why = error; }
                catch (Mismatch error) { why = why ?? error; }
            }
            if (best != null) return best;
            throw why ?? new Mismatch("there is no public static function @{name} of " + values.Length + " parameters that returns a value");
        }

        /// <summary>Return the arguments as a method takes them; null if it has another number of parameters.</summary>
        static object[] Passed(ParameterInfo[] parameters, object[] values)
        {
            int count = values.Length, last = parameters.Length - 1;
            bool many = last >= 0 && parameters[last].IsDefined(typeof(ParamArrayAttribute), false)
                && !(count == last + 1 && (values[last] == null || values[last] is IList));
            if (many && count >= last)
            {
                values = values.Take(last).Concat(new object[] { values.Skip(last).ToList() }).ToArray();
                count = last + 1;
            }
            if (count > parameters.Length || parameters.Skip(count).Any(p => !p.IsOptional)) return null;
            return parameters.Select((p, i) => i < count ? Convert(values[i], p.ParameterType) : p.DefaultValue).ToArray();
        }

        /// <summary>Return a method with its type parameters inferred; null where that fails.</summary>
        static MethodInfo Closed(MethodInfo method, List<FieldInfo> fields)
        {
            if (!method.IsGenericMethodDefinition) return method;
            var found = new Dictionary<Type, Type>();
            var parameters = method.GetParameters();
            for (int i = 0; i < fields.Count && i < parameters.Length; i++)
                Infer(parameters[i].ParameterType, fields[i].FieldType, found);
            if (!method.GetGenericArguments().All(found.ContainsKey)) return null;
            try { return method.MakeGenericMethod(method.GetGenericArguments().Select(t => found[t]).ToArray()); }
            catch (ArgumentException) { return null; }
        }

        static void Infer(Type parameter, Type given, Dictionary<Type, Type> found)
        {
            if (parameter.IsGenericParameter)
            {
                if (!found.ContainsKey(parameter)) found[parameter] = given;
                return;
            }
            if (parameter.IsArray && parameter.GetArrayRank() == 1)
            {
                Infer(typeof(IList<>).MakeGenericType(parameter.GetElementType()), given, found);
                return;
            }
            if (!parameter.IsGenericType) return;
            for (var type = given; type != null; type = type.BaseType)
                foreach (var face in type.GetInterfaces().Concat(new[] { type }))
                    if (face.IsGenericType && face.GetGenericTypeDefinition() == parameter.GetGenericTypeDefinition())
                        for (int i = 0; i < face.GetGenericArguments().Length; i++)
                            Infer(parameter.GetGenericArguments()[i], face.GetGenericArguments()[i], found);
        }

        /// <summary>Return a value as one of a type that holds it.</summary>
        static object Convert(object x, Type type)
        {
            if (type.IsByRef) throw new Mismatch("a parameter is a reference");
            Type optional = Nullable.GetUnderlyingType(type);
            if (x == null && (optional != null || !type.IsValueType)) return null;
            if (x == null) throw new Unfit(x, type);
            if (optional != null) return Convert(x, optional);
            if (type.IsInstanceOfType(x)) return x;
            object result = x is long ? Whole((long)x, type) : x is double ? Fraction((double)x, type)
                : x is string ? Letters((string)x, type) : x is ITuple ? Items((ITuple)x, type) : Collection(x, type);
            if (result == null) throw new Mismatch(x.GetType() + " cannot be passed as " + type);
            return result;
        }

        static object Whole(long x, Type type)
        {
            if (type == typeof(BigInteger)) return new BigInteger(x);
            if (!type.IsPrimitive && type != typeof(decimal) || type == typeof(bool) || type == typeof(char)) return null;
            try
            {
                object y = global::System.Convert.ChangeType(x, type, CultureInfo.InvariantCulture);
                if ((decimal)x == global::System.Convert.ToDecimal(y is float ? (double)(float)y : y) && !(y is float && (long)(float)y != x)
                    && !(y is double && (BigInteger)(double)y != x)) return y;
            }
            catch (OverflowException) { }
            throw new Unfit(x, type);
        }

        /// <summary>A fraction takes the nearest value; a whole number has to stay what it is.</summary>
        static object Fraction(double x, Type type)
        {
            if (type == typeof(decimal))
            {
                try { return (decimal)x; }
                catch (OverflowException) { throw new Unfit(x, type); }
            }
            if (type != typeof(float)) return null;
            float y = (float)x;
            bool near = x != Math.Truncate(x) && Math.Abs(y) >= 1.17549435e-38f && !float.IsInfinity(y);
            if (x == y || double.IsNaN(x) || near) return y;
            throw new Unfit(x, type);
        }

        static object Letters(string x, Type type)
        {
            if (type == typeof(char[])) return x.ToCharArray();
            if (type == typeof(StringBuilder)) return new StringBuilder(x);
            if (type != typeof(char)) return null;
            if (x.Length != 1) throw new Unfit("\"" + x + "\"", type);
            return x[0];
        }

        static object Items(ITuple x, Type type)
        {
            Type[] types = type.GetGenericArguments();
            if (!typeof(ITuple).IsAssignableFrom(type) || types.Length != x.Length || x.Length > 7) return null;
            return Activator.CreateInstance(type, types.Select((t, i) => Convert(x[i], t)).ToArray());
        }

        /// <summary>Return a list of lists of one length as an array of two dimensions; null if it is another thing.</summary>
        static object Grid(IList x, Type type)
        {
            if (x == null || !x.Cast<object>().All(r => r is IList)) return null;
            List<IList> rows = x.Cast<IList>().ToList();
            int width = rows.Count == 0 ? 0 : rows[0].Count;
            if (rows.Any(r => r.Count != width)) throw new Unfit("a list of lists of several lengths", type);
            Array made = Array.CreateInstance(type.GetElementType(), rows.Count, width);
            for (int i = 0; i < rows.Count; i++)
                for (int j = 0; j < width; j++) made.SetValue(Convert(rows[i][j], type.GetElementType()), i, j);
            return made;
        }

        static object Collection(object x, Type type)
        {
            if (type.IsArray && type.GetArrayRank() == 2) return Grid(x as IList, type);
            Type[] types = type.IsArray && type.GetArrayRank() == 1 ? new[] { type.GetElementType() } : type.GetGenericArguments();
            if (x is IDictionary && types.Length == 2)
            {
                var made = Made(type, typeof(Dictionary<,>).MakeGenericType(types)) as IDictionary;
                if (made == null) return null;
                foreach (DictionaryEntry entry in (IDictionary)x) made.Add(Convert(entry.Key, types[0]), Convert(entry.Value, types[1]));
                return made;
            }
            if (x is IDictionary || types.Length != 1) return null;
            var items = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(types));
            foreach (object item in (IEnumerable)x) items.Add(Convert(item, types[0]));
            bool set = !(x is IList), wanted = type.GetInterfaces().Concat(new[] { type })
                .Any(t => t.IsGenericType && t.GetGenericTypeDefinition() == typeof(ISet<>));
            if (type.IsArray && !set) return items.GetType().GetMethod("ToArray").Invoke(items, null);
            Type usual = (set ? typeof(HashSet<>) : typeof(List<>)).MakeGenericType(types);
            return set == wanted || type.IsAssignableFrom(usual) ? Made(type, usual, items) : null;
        }

        static object Made(Type type, Type usual, params object[] arguments)
        {
            if (type.IsAssignableFrom(usual)) type = usual;
            try { return type.IsAbstract ? null : Activator.CreateInstance(type, arguments); }
            catch (MissingMethodException) { return null; }
        }
    }

    static class Driver
    {
        [DllImport("libc")] static extern int dup(int descriptor);
        [DllImport("libc")] static extern void _exit(int code);
        [DllImport("libc")] static extern IntPtr write(int descriptor, byte[] data, UIntPtr count);

        const int Stack = 256 << 20; // recursion as deep as elsewhere, without touching what is not used
        const int TooDeep = 100;
        static readonly int Out = dup(1); // the program may close its own
        static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

        public static void Main()
        {
            var thread = new Thread(Run, Stack);
            thread.Start();
            thread.Join();
        }

        static void Run()
        {
            RuntimeHelpers.RunClassConstructor(typeof(Arguments).TypeHandle);
            Emit("start");
            string why = Entry.Mismatch("a0_");
            if (why != null)
            {
                Emit("mismatch " + Text(why));
                _exit(1);
            }
            try
            {
                RuntimeHelpers.RunClassConstructor(typeof(global::Problem).TypeHandle);
            }
            catch (Exception error)
            {
                Emit("raised load " + Text(Describe(error.InnerException ?? error)));
                _exit(1);
            }
            Emit("loaded");
@{cases}
            Emit("end");
            _exit(0);
        }

        static void Case(int index)
        {
            string said;
            try
            {
                var text = new StringBuilder("value " + index + " ");
                Show(text, Entry.Call("a" + index + "_"), 0);
                said = text.ToString();
            }
            catch (Exception error)
            {
                said = "raised " + index + " " + Text(Describe(error));
            }
            Emit(said);
        }

        static string Describe(Exception error)
        {
            if (error is Unfit) return error.Message;
            try { return error.GetType().FullName + ": " + error.Message; }
            catch (Exception) { return "an exception without a message"; }
        }

        static void Emit(string said)
        {
            try { Console.Out.Flush(); } catch (Exception) { }
            byte[] data = new UTF8Encoding(false).GetBytes("\n@{mark} " + said + "\n");
            for (int done = 0; done < data.Length;)
            {
                var rest = new byte[data.Length - done];
                Array.Copy(data, done, rest, 0, rest.Length);
                long written = (long)write(Out, rest, (UIntPtr)rest.Length);
                if (written < 0) _exit(1);
                done += (int)written;
            }
        }

        // ----------------------------------------------------------------------------------------- wire form

        static void Show(StringBuilder text, object value, int depth)
        {
            if (depth > TooDeep) Other(text, "too deep");
            else if (value == null) text.Append("null");
            else if (value is bool) text.Append((bool)value ? "true" : "false");
            else if (value is string) text.Append(Text((string)value));
            else if (value is double) Float(text, (double)value);
            else if (value is float) Float(text, (float)value);
            else if (value is decimal) Float(text, (double)(decimal)value);
            else if (value is char) text.Append(Text(value.ToString()));
            else if (IsInt(value)) text.Append(((IFormattable)value).ToString("D", Plain));
            else if (value is ITuple) Tuple(text, (ITuple)value, depth);
            else if (value is IDictionary) Map(text, (IDictionary)value, depth);
            else if (IsSet(value.GetType())) Sequence(text, "{\"s\":[", (IEnumerable)value, "]}", depth);
            else if (value is Array && ((Array)value).Rank == 2) Sequence(text, "[", Rows((Array)value), "]", depth);
            else if (value is Array && ((Array)value).Rank > 2) Other(text, "array of several dimensions");
            else if (value is IEnumerable) Sequence(text, "[", (IEnumerable)value, "]", depth);
            else Other(text, value.GetType().FullName);
        }

        static IEnumerable Rows(Array grid)
        {
            for (int i = 0; i < grid.GetLength(0); i++)
                yield return Enumerable.Range(0, grid.GetLength(1)).Select(j => grid.GetValue(i, j)).ToArray();
        }

        static bool IsInt(object value)
        {
            return value is long || value is int || value is short || value is sbyte || value is ulong || value is uint
                || value is ushort || value is byte || value is global::System.Numerics.BigInteger;
        }

        static bool IsSet(Type type)
        {
            foreach (Type face in type.GetInterfaces())
                if (face.IsGenericType && face.GetGenericTypeDefinition() == typeof(ISet<>)) return true;
            return false;
        }

        static void Float(StringBuilder text, double value)
        {
            string digits = double.IsNaN(value) ? "nan" : double.IsPositiveInfinity(value) ? "inf"
                : double.IsNegativeInfinity(value) ? "-inf" : value.ToString("G17", Plain);
            text.Append("{\"f\":\"").Append(digits).Append("\"}");
        }

        static void Tuple(StringBuilder text, ITuple value, int depth)
        {
            text.Append("{\"t\":[");
            for (int i = 0; i < value.Length; i++)
            {
                if (i > 0) text.Append(',');
                Show(text, value[i], depth + 1);
            }
            text.Append("]}");
        }

        static void Map(StringBuilder text, IDictionary value, int depth)
        {
            string separator = "{\"m\":[[";
            foreach (DictionaryEntry entry in value)
            {
                text.Append(separator);
                Show(text, entry.Key, depth + 1);
                text.Append(',');
                Show(text, entry.Value, depth + 1);
                separator = "],[";
            }
            text.Append(separator == "],[" ? "]]}" : "{\"m\":[]}");
        }

        static void Sequence(StringBuilder text, string open, IEnumerable value, string close, int depth)
        {
            text.Append(open);
            bool first = true;
            foreach (object item in value)
            {
                if (!first) text.Append(',');
                Show(text, item, depth + 1);
                first = false;
            }
            text.Append(close);
        }

        static void Other(StringBuilder text, string what)
        {
            text.Append("{\"x\":").Append(Text(what)).Append('}');
        }

        static string Text(string value)
        {
            var text = new StringBuilder("\"");
            for (int i = 0; i < value.Length; i++)
            {
                char c = value[i];
                if (char.IsHighSurrogate(c) && i + 1 < value.Length && char.IsLowSurrogate(value[i + 1]))
                    text.Append(c).Append(value[++i]);
                else if (c == '"' || c == '\\') text.Append('\\').Append(c);
                else if (c < 32 || c == 127 || char.IsSurrogate(c)) text.Append("\\u").Append(((int)c).ToString("x4", Plain));
                else text.Append(c);
            }
            return text.Append('"').ToString();
        }
    }
}
