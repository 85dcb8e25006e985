package glotsmith

import java.io.{BufferedReader, PrintStream, PrintWriter, StringReader, StringWriter}
import java.nio.ByteBuffer
import java.nio.charset.{CharacterCodingException, StandardCharsets}
import java.util.{Map => JavaMap}
import scala.collection.JavaConverters._
import scala.reflect.internal.util.BatchSourceFile
import scala.reflect.io.{AbstractFile, VirtualDirectory}
import scala.tools.nsc.{Global, Settings}
import scala.tools.nsc.reporters.ConsoleReporter

/** The server for Scala; arguments are options of the compiler. Sources and classes stay in memory.
  *
  * As in Scala's REPL, a compiler has one run after another: most of its work is to learn what the libraries are.
  * What a program defines is in the empty package, from where it is removed before the next run. A program that could
  * define something elsewhere has a compiler of its own, and so has the program after an exception.
  */
final class ScalaServer(options: List[String]) extends Server {
  private var kept = Option.empty[OneCompiler]

  override protected def compile(
      files: JavaMap[String, Array[Byte]], made: JavaMap[String, Array[Byte]], said: PrintStream
  ): Boolean =
    try {
      val sources = files.asScala.toList.map { case (name, content) => new BatchSourceFile(name, text(content)) }
      if (sources.forall(confined(_))) {
        val compiler = kept.filter(_.fresh).getOrElse(new OneCompiler(options))
        kept = None
        val compiled = compiler.compile(sources, made, said)
        kept = Some(compiler)
        compiled
      } else new OneCompiler(options).compile(sources, made, said)
    } catch {
      case _: CharacterCodingException =>
        said.println("error: a source is not UTF-8")
        false
    }

  private def text(content: Array[Byte]): Array[Char] =
    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString.toCharArray

  /** Whether a source defines things in the empty package alone: the word may also hide behind \\u0070. */
  private def confined(source: BatchSourceFile): Boolean = {
    val text = new String(source.content)
    !text.contains("package") && !text.contains("\\u")
  }
}

object ScalaServer {
  def main(options: Array[String]): Unit = new ScalaServer(options.toList).serve()
}

/** A compiler for some programs, one after another. */
private final class OneCompiler(options: List[String]) {
  private val settings = new Settings(sys.error(_))
  settings.processArguments(options, processAll = true)
  private val words = new StringWriter
  private val reporter =
    new ConsoleReporter(settings, new BufferedReader(new StringReader("")), new PrintWriter(words, true))
  private val compiler = new Global(settings, reporter)
  private var programs = 0

  /** Whether it may compile another one: it remembers a little of each. */
  def fresh: Boolean = programs < 200

  def compile(sources: List[BatchSourceFile], made: JavaMap[String, Array[Byte]], said: PrintStream): Boolean = {
    programs += 1
    words.getBuffer.setLength(0)
    reporter.reset()
    val target = new VirtualDirectory("made", None)
    settings.outputDirs.setSingleOutput(target)
    val run = new compiler.Run
    forget()
    run.compileSources(sources)
    reporter.printSummary()
    said.print(words)
    collect(target, "", made)
    !reporter.hasErrors
  }

  /** Empty the empty package. */
  private def forget(): Unit = compiler.enteringTyper {
    val defined = compiler.rootMirror.EmptyPackageClass.info.decls
    defined.toList.foreach(defined.unlink(_))
  }

  private def collect(folder: AbstractFile, prefix: String, made: JavaMap[String, Array[Byte]]): Unit =
    for (file <- folder) {
      if (file.isDirectory) collect(file, s"$prefix${file.name}/", made)
      else made.put(prefix + file.name, file.toByteArray)
    }
}
