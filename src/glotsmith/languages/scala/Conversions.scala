package glotsmith

import scala.collection.{immutable, mutable}
import scala.language.experimental.macros
import scala.reflect.macros.whitebox

/** The type that a candidate declares does not hold an argument. */
final class Unfit(value: Any, kind: String) extends RuntimeException {
  override def getMessage: String = s"$value does not fit the declared type $kind"
  override def toString: String = getMessage
}

/** How a value of the signature's type S is passed as a T that holds it. */
final class As[S, T](convert: S => T) extends (S => T) {
  override def apply(x: S): T = convert(x)
}

/** Conversions of one value. */
object Numbers {
  private def whole[T](kind: String, fits: Long => Boolean)(convert: Long => T): As[Long, T] =
    new As(x => if (fits(x)) convert(x) else throw new Unfit(x, kind))

  private def exact(x: Long, y: Double): Boolean = math.abs(y) < 9223372036854775807.0 && y.toLong == x

  val int: As[Long, Int] = whole("Int", x => x.toInt == x)(_.toInt)
  val short: As[Long, Short] = whole("Short", x => x.toShort == x)(_.toShort)
  val byte: As[Long, Byte] = whole("Byte", x => x.toByte == x)(_.toByte)
  val double: As[Long, Double] = whole("Double", x => exact(x, x.toDouble))(_.toDouble)
  val floatOfInt: As[Long, Float] = whole("Float", x => exact(x, x.toFloat.toDouble))(_.toFloat)

  /** A fraction takes the nearest value; a whole number has to stay what it is. */
  val float: As[Double, Float] = new As({ x =>
    val y = x.toFloat
    val near = x != math.rint(x) && math.abs(y) >= java.lang.Float.MIN_NORMAL && !y.isInfinite
    if (x != x || x == y || near) y else throw new Unfit(x, "Float")
  })
  val bigDecimal: As[Double, BigDecimal] =
    new As(x => if (x.isNaN || x.isInfinite) throw new Unfit(x, "BigDecimal") else BigDecimal(x))

  val char: As[String, Char] =
    new As(x => if (x.length == 1) x.charAt(0) else throw new Unfit('"' + x + '"', "Char"))
}

// The compiler looks at conversions only where a type does not match. Each conversion of a collection states its shape, which
// chooses among overloads; a macro, which knows the declared type, converts the elements. Of several conversions that make what is
// wanted, the one of the object furthest below counts.

sealed trait Queues {
  implicit def queue[S, T]: As[List[S], immutable.Queue[T]] = macro Converter.converted
  implicit def linkedMap[K, V, L, W]: As[Map[K, V], mutable.LinkedHashMap[L, W]] = macro Converter.converted
  implicit def treeSet[S, T]: As[Set[S], immutable.TreeSet[T]] = macro Converter.converted
}

sealed trait MutableQueues extends Queues {
  implicit def mutableQueue[S, T]: As[List[S], mutable.Queue[T]] = macro Converter.converted
  implicit def treeMap[K, V, L, W]: As[Map[K, V], immutable.TreeMap[L, W]] = macro Converter.converted
  implicit def linkedSet[S, T]: As[Set[S], mutable.LinkedHashSet[T]] = macro Converter.converted
}

sealed trait Streams extends MutableQueues {
  implicit def stream[S, T]: As[List[S], Stream[T]] = macro Converter.converted
  implicit def mutableHashMap[K, V, L, W]: As[Map[K, V], mutable.HashMap[L, W]] = macro Converter.converted
  implicit def mutableHashSet[S, T]: As[Set[S], mutable.HashSet[T]] = macro Converter.converted
}

sealed trait ListBuffers extends Streams {
  implicit def listBuffer[S, T]: As[List[S], mutable.ListBuffer[T]] = macro Converter.converted
  implicit def hashMap[K, V, L, W]: As[Map[K, V], immutable.HashMap[L, W]] = macro Converter.converted
  implicit def hashSet[S, T]: As[Set[S], immutable.HashSet[T]] = macro Converter.converted
}

sealed trait ArrayBuffers extends ListBuffers {
  implicit def arrayBuffer[S, T]: As[List[S], mutable.ArrayBuffer[T]] = macro Converter.converted
  implicit def mutableMap[K, V, L, W]: As[Map[K, V], mutable.Map[L, W]] = macro Converter.converted
  implicit def mutableSet[S, T]: As[Set[S], mutable.Set[T]] = macro Converter.converted
}

sealed trait Vectors extends ArrayBuffers {
  implicit def vector[S, T]: As[List[S], Vector[T]] = macro Converter.converted
}

object Conversions extends Vectors {
  implicit val int: As[Long, Int] = Numbers.int
  implicit val short: As[Long, Short] = Numbers.short
  implicit val byte: As[Long, Byte] = Numbers.byte
  implicit val integer: As[Long, Integer] = new As(x => Integer.valueOf(Numbers.int(x)))
  implicit val double: As[Long, Double] = Numbers.double
  implicit val floatOfInt: As[Long, Float] = Numbers.floatOfInt
  implicit val bigInt: As[Long, BigInt] = new As(x => BigInt(x))
  implicit val bigInteger: As[Long, java.math.BigInteger] = new As(x => java.math.BigInteger.valueOf(x))
  implicit val decimalOfInt: As[Long, BigDecimal] = new As(x => BigDecimal(x))
  implicit val float: As[Double, Float] = Numbers.float
  implicit val bigDecimal: As[Double, BigDecimal] = Numbers.bigDecimal
  implicit val char: As[String, Char] = Numbers.char
  implicit val chars: As[String, Array[Char]] = new As(_.toCharArray)

  implicit def array[S, T]: As[List[S], Array[T]] = macro Converter.converted
  implicit def list[S, T]: As[List[S], List[T]] = macro Converter.converted
  implicit def option[S, T]: As[Option[S], Option[T]] = macro Converter.converted
  implicit def set[S, T]: As[Set[S], Set[T]] = macro Converter.converted
  implicit def map[K, V, L, W]: As[Map[K, V], Map[L, W]] = macro Converter.converted
  implicit def tuple2[A, B, C, D]: As[(A, B), (C, D)] = macro Converter.converted
  implicit def tuple3[A, B, C, D, E, F]: As[(A, B, C), (D, E, F)] = macro Converter.converted
  implicit def tuple4[A, B, C, D, E, F, G, H]: As[(A, B, C, D), (E, F, G, H)] = macro Converter.converted
  implicit def tuple5[A, B, C, D, E, F, G, H, I, J]: As[(A, B, C, D, E), (F, G, H, I, J)] = macro Converter.converted
}

/** Writes the conversion between two types, element by element. */
final class Converter(val c: whitebox.Context) {
  import c.universe._

  /** Return the `As` between the types of which the compiler searches a conversion, in the shape of the implicit method. */
  def converted: Tree =
    c.openImplicits.headOption.map(_.pt.dealias) match {
      case Some(TypeRef(_, _, List(passed, declared))) =>
        val from = passed.widen.dealias
        val shape = c.macroApplication.symbol.asMethod.returnType.typeArgs(1)
        val to = shaped(shape, from, declared.dealias)
        val x = TermName(c.freshName("x"))
        q"new _root_.glotsmith.As[$from, $to](($x: $from) => ${convert(q"$x", from, to)})"
      case _ => refuse(NoType, NoType)
    }

  private def refuse(from: Type, to: Type): Nothing = c.abort(c.enclosingPosition, s"$from is not converted to $to")

  /** The declared type's elements in a shape: a Seq that is declared is made as a List. */
  private def shaped(shape: Type, from: Type, declared: Type): Type =
    appliedType(shape.typeConstructor, elements(from).zip(elements(declared)).map { case (s, t) => known(s, t) })

  private def known(from: Type, to: Type): Type =
    if (to == WildcardType || to.typeSymbol.isParameter || to.isInstanceOf[BoundedWildcardType]) from else to

  private type BoundedWildcardType = scala.reflect.internal.Types#BoundedWildcardType

  private def elements(kind: Type): List[Type] =
    if (isArray(kind) || isOption(kind) || isTuple(kind)) kind.dealias.typeArgs
    else if (isMap(kind)) kind.baseType(symbolOf[scala.collection.GenMap[_, _]]).typeArgs
    else kind.baseType(symbolOf[scala.collection.GenTraversableOnce[_]]).typeArgs

  private def isArray(kind: Type): Boolean = kind.typeSymbol == definitions.ArrayClass
  private def isOption(kind: Type): Boolean = kind.typeSymbol == symbolOf[Option[_]]
  private def isTuple(kind: Type): Boolean = definitions.TupleClass.seq.contains(kind.typeSymbol)
  private def isMap(kind: Type): Boolean = kind.baseClasses.contains(symbolOf[scala.collection.GenMap[_, _]])
  private def isSet(kind: Type): Boolean = kind.baseClasses.contains(symbolOf[scala.collection.GenSet[_]])
  private def isList(kind: Type): Boolean = kind.typeSymbol == symbolOf[immutable.List[_]]

  /** Whether a list may become this collection: an array, a sequence, or what a list is. */
  private def isSequence(kind: Type): Boolean =
    isArray(kind) || kind.baseClasses.contains(symbolOf[scala.collection.GenSeq[_]]) ||
      symbolOf[immutable.List[_]].asClass.baseClasses.contains(kind.typeSymbol) && elements(kind).nonEmpty

  private def convert(x: Tree, from: Type, declared: Type): Tree = {
    val to = known(from, declared).dealias
    if (from <:< to) x
    else if (isMap(from) && isMap(to)) entries(x, from, to)
    else if (isList(from) && isSequence(to) || isSet(from) && isSet(to)) items(x, from, to)
    else if (isOption(from) && isOption(to)) each(x, from, to, q"$x.map")
    else if (isTuple(from) && from.typeSymbol == to.typeSymbol) members(x, from, to)
    else value(x, from, to)
  }

  private def each(x: Tree, from: Type, to: Type, map: Tree): Tree = {
    val (item, source) = (TermName(c.freshName("item")), elements(from).head)
    q"$map(($item: $source) => ${convert(q"$item", source, elements(to).head)})"
  }

  private def items(x: Tree, from: Type, to: Type): Tree = {
    val target = known(elements(from).head, elements(to).head)
    if (isArray(to)) q"${each(x, from, to, q"$x.map")}.toArray[$target]"
    else q"${each(x, from, to, q"$x.map[$target, ${appliedType(to.typeConstructor, List(target))}]")}($build)"
  }

  private def entries(x: Tree, from: Type, to: Type): Tree = {
    val entry = TermName(c.freshName("entry"))
    val List(k, v) = elements(from)
    val List(l, w) = elements(to).zip(elements(from)).map { case (t, s) => known(s, t) }
    q"""$x.map[($l, $w), ${appliedType(to.typeConstructor, List(l, w))}](($entry: ($k, $v)) =>
      (${convert(q"$entry._1", k, l)}, ${convert(q"$entry._2", v, w)}))($build)"""
  }

  private def build: Tree = q"_root_.scala.collection.breakOut"

  private def members(x: Tree, from: Type, to: Type): Tree = {
    val parts = elements(from).zip(elements(to)).zipWithIndex.map { case ((s, t), i) =>
      convert(q"$x.${TermName(s"_${i + 1}")}", s, t)
    }
    q"(..$parts)"
  }

  private lazy val numbers = q"_root_.glotsmith.Numbers"
  private lazy val values: List[(Type, Type, Tree => Tree)] = List(
    (typeOf[Long], typeOf[Int], x => q"$numbers.int($x)"),
    (typeOf[Long], typeOf[Integer], x => q"_root_.java.lang.Integer.valueOf($numbers.int($x))"),
    (typeOf[Long], typeOf[Short], x => q"$numbers.short($x)"),
    (typeOf[Long], typeOf[Byte], x => q"$numbers.byte($x)"),
    (typeOf[Long], typeOf[java.lang.Long], x => q"_root_.java.lang.Long.valueOf($x)"),
    (typeOf[Long], typeOf[Double], x => q"$numbers.double($x)"),
    (typeOf[Long], typeOf[Float], x => q"$numbers.floatOfInt($x)"),
    (typeOf[Long], typeOf[BigInt], x => q"_root_.scala.math.BigInt($x)"),
    (typeOf[Long], typeOf[BigDecimal], x => q"_root_.scala.math.BigDecimal($x)"),
    (typeOf[Long], typeOf[java.math.BigInteger], x => q"_root_.java.math.BigInteger.valueOf($x)"),
    (typeOf[Double], typeOf[Float], x => q"$numbers.float($x)"),
    (typeOf[Double], typeOf[java.lang.Double], x => q"_root_.java.lang.Double.valueOf($x)"),
    (typeOf[Double], typeOf[BigDecimal], x => q"$numbers.bigDecimal($x)"),
    (typeOf[Boolean], typeOf[java.lang.Boolean], x => q"_root_.java.lang.Boolean.valueOf($x)"),
    (typeOf[String], typeOf[Char], x => q"$numbers.char($x)"),
    (typeOf[String], typeOf[Array[Char]], x => q"$x.toCharArray")
  )

  private def value(x: Tree, from: Type, to: Type): Tree =
    values.collectFirst { case (s, t, write) if from =:= s && to =:= t => write(x) }.getOrElse(refuse(from, to))
}
