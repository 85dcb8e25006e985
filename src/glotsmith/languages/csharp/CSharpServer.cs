using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Mono.CSharp;

namespace Glotsmith
{
    /// <summary>
    /// The compiler, kept loaded. It answers requests on stdin, one by one, on stdout, and never runs what it compiles.
    /// Request: number of files; for each, its name and its content. Answer: a byte, 0 for compiled and 1 for refused;
    /// what the compiler said; number of files; for each, its name and its content. A number has four bytes, the highest
    /// first; a name or a content is its length in bytes, then the bytes. Arguments are options of mcs.
    /// </summary>
    static class CSharpServer
    {
        const string Made = "program.exe";

        static readonly Stream Input = new BufferedStream(Console.OpenStandardInput(), 1 << 16);
        static readonly Stream Output = new BufferedStream(Console.OpenStandardOutput(), 1 << 16);

        static void Main(string[] options)
        {
            Console.SetOut(TextWriter.Null);
            Console.SetError(TextWriter.Null);
            for (int count; (count = ReadNumber()) >= 0;)
            {
                var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"))).FullName;
                try
                {
                    Answer(folder, options, Enumerable.Range(0, count).Select(_ => Write(folder)).ToList());
                }
                finally
                {
                    Directory.Delete(folder, true);
                }
                Output.Flush();
            }
        }

        static void Answer(string folder, string[] options, List<string> sources)
        {
            var made = Path.Combine(folder, Made);
            var said = new StringWriter();
            bool compiled = Compile(options.Concat(sources).Append("-out:" + made).ToArray(), said) && File.Exists(made);
            Output.WriteByte((byte)(compiled ? 0 : 1));
            WriteBlock(Encoding.UTF8.GetBytes(said.ToString().Replace(folder + "/", "")));
            WriteNumber(compiled ? 1 : 0);
            if (compiled)
            {
                WriteBlock(Encoding.UTF8.GetBytes(Made));
                WriteBlock(File.ReadAllBytes(made));
            }
        }

        static bool Compile(string[] arguments, TextWriter said)
        {
            try
            {
                return CompilerCallableEntryPoint.InvokeCompiler(arguments, said);
            }
            catch (OutOfMemoryException)
            {
                Environment.Exit(3);
                throw;
            }
            catch (Exception e) // a source that the compiler fails on
            {
                said.WriteLine("error: the compiler failed: " + e.GetType().Name);
                return false;
            }
        }

        /// <summary>Write the next file of a request; return its path.</summary>
        static string Write(string folder)
        {
            var path = Path.Combine(folder, Encoding.UTF8.GetString(ReadBlock()));
            File.WriteAllBytes(path, ReadBlock());
            return path;
        }

        static byte[] ReadBlock()
        {
            return Read(ReadNumber());
        }

        /// <summary>Return the next number; -1 at the end of input.</summary>
        static int ReadNumber()
        {
            var bytes = Read(4);
            return bytes == null ? -1 : bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
        }

        static byte[] Read(int size)
        {
            var bytes = new byte[size];
            for (int at = 0; at < size;)
            {
                int read = Input.Read(bytes, at, size - at);
                if (read == 0) return null;
                at += read;
            }
            return bytes;
        }

        static void WriteBlock(byte[] bytes)
        {
            WriteNumber(bytes.Length);
            Output.Write(bytes, 0, bytes.Length);
        }

        static void WriteNumber(int value)
        {
            Output.Write(new[] { (byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value }, 0, 4);
        }
    }
}
