// Compiled together with candidate.cs. Inside a namespace, so that no type of the candidate takes the place of ours.
namespace Glotsmith
{
    using global::System;
    using global::System.Collections;
    using global::System.Collections.Generic;
    using global::System.Globalization;
    using global::System.Runtime.CompilerServices;
    using global::System.Runtime.InteropServices;
    using global::System.Text;
    using global::System.Threading;

    static class Arguments
    {
@{bindings}
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

        static void Case(int index, Func<object> call)
        {
            string said;
            try
            {
                var text = new StringBuilder("value " + index + " ");
                Show(text, call(), 0);
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
            else if (IsInt(value)) text.Append(((IFormattable)value).ToString("D", Plain));
            else if (value is ITuple) Tuple(text, (ITuple)value, depth);
            else if (value is IDictionary) Map(text, (IDictionary)value, depth);
            else if (IsSet(value.GetType())) Sequence(text, "{\"s\":[", (IEnumerable)value, "]}", depth);
            else if (value is Array && ((Array)value).Rank > 1) Other(text, "array of several dimensions");
            else if (value is IList) Sequence(text, "[", (IEnumerable)value, "]", depth);
            else Other(text, value.GetType().FullName);
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
