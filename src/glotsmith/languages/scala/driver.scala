// What is generated of a program: the calls and their arguments, each in a method of its own, as one has 64 KB at most.
object GlotsmithCalls {
  import _root_.glotsmith.Conversions._

@{bindings}
@{cases}
}
