package glotsmith

import scala.collection.mutable
import scala.reflect.ClassTag

/** The type that a candidate declares does not hold an argument. */
final class Unfit(value: Any, kind: String) extends RuntimeException {
  override def getMessage: String = s"$value does not fit the declared type $kind"
  override def toString: String = getMessage
}

/** How a value of the signature's type S is passed as a T that holds it. */
final class As[S, T](convert: S => T) extends (S => T) {
  override def apply(x: S): T = convert(x)
}

// Of several conversions that make what is wanted, the one of the object furthest below counts.

sealed trait Inner {
  implicit def same[T]: As[T, T] = new As(x => x)
}

sealed trait Abstract extends Inner {
  implicit def seq[S, T](implicit as: As[S, T]): As[List[S], Seq[T]] = new As(_.map(as(_)))
  implicit def iterable[S, T](implicit as: As[S, T]): As[List[S], Iterable[T]] = new As(_.map(as(_)))
  implicit def immutableSeq[S, T](implicit as: As[S, T]): As[List[S], scala.collection.immutable.Seq[T]] =
    new As(_.map(as(_)))
  implicit def indexed[S, T](implicit as: As[S, T]): As[List[S], IndexedSeq[T]] = new As(_.map(as(_)).toVector)
  implicit def buffer[S, T](implicit as: As[S, T]): As[List[S], mutable.Buffer[T]] = new As(_.map(as(_)).toBuffer)
}

sealed trait ListBuffers extends Abstract {
  implicit def listBuffer[S, T](implicit as: As[S, T]): As[List[S], mutable.ListBuffer[T]] =
    new As(x => mutable.ListBuffer(x.map(as(_)): _*))
}

sealed trait Buffers extends ListBuffers {
  implicit def arrayBuffer[S, T](implicit as: As[S, T]): As[List[S], mutable.ArrayBuffer[T]] =
    new As(x => mutable.ArrayBuffer(x.map(as(_)): _*))
}

sealed trait Vectors extends Buffers {
  implicit def vector[S, T](implicit as: As[S, T]): As[List[S], Vector[T]] = new As(_.map(as(_)).toVector)
}

/** The compiler looks here only where a type does not match. */
object Conversions extends Vectors {
  private def whole[T](kind: String, fits: Long => Boolean)(convert: Long => T): As[Long, T] =
    new As(x => if (fits(x)) convert(x) else throw new Unfit(x, kind))

  private def exact(x: Long, y: Double): Boolean = math.abs(y) < 9223372036854775807.0 && y.toLong == x

  implicit val int: As[Long, Int] = whole("Int", x => x.toInt == x)(_.toInt)
  implicit val short: As[Long, Short] = whole("Short", x => x.toShort == x)(_.toShort)
  implicit val byte: As[Long, Byte] = whole("Byte", x => x.toByte == x)(_.toByte)
  implicit val integer: As[Long, Integer] = whole("Integer", x => x.toInt == x)(x => Integer.valueOf(x.toInt))
  implicit val double: As[Long, Double] = whole("Double", x => exact(x, x.toDouble))(_.toDouble)
  implicit val floatOfInt: As[Long, Float] = whole("Float", x => exact(x, x.toFloat.toDouble))(_.toFloat)
  implicit val bigInt: As[Long, BigInt] = new As(x => BigInt(x))
  implicit val bigInteger: As[Long, java.math.BigInteger] = new As(x => java.math.BigInteger.valueOf(x))

  /** A fraction takes the nearest value; a whole number has to stay what it is. */
  implicit val float: As[Double, Float] = new As({ x =>
    val y = x.toFloat
    val near = x != math.rint(x) && math.abs(y) >= java.lang.Float.MIN_NORMAL && !y.isInfinite
    if (x != x || x == y || near) y else throw new Unfit(x, "Float")
  })
  implicit val bigDecimal: As[Double, BigDecimal] =
    new As(x => if (x.isNaN || x.isInfinite) throw new Unfit(x, "BigDecimal") else BigDecimal(x))

  implicit val char: As[String, Char] =
    new As(x => if (x.length == 1) x.charAt(0) else throw new Unfit('"' + x + '"', "Char"))
  implicit val chars: As[String, Array[Char]] = new As(_.toCharArray)

  implicit def option[S, T](implicit as: As[S, T]): As[Option[S], Option[T]] = new As(_.map(as(_)))

  implicit def list[S, T](implicit as: As[S, T]): As[List[S], List[T]] = new As(_.map(as(_)))
  implicit def vector[S, T](implicit as: As[S, T]): As[List[S], Vector[T]] = new As(_.map(as(_)).toVector)
  implicit def array[S, T: ClassTag](implicit as: As[S, T]): As[List[S], Array[T]] = new As(_.map(as(_)).toArray)
  implicit def arrayBuffer[S, T](implicit as: As[S, T]): As[List[S], mutable.ArrayBuffer[T]] =
    new As(x => mutable.ArrayBuffer(x.map(as(_)): _*))
  implicit def listBuffer[S, T](implicit as: As[S, T]): As[List[S], mutable.ListBuffer[T]] =
    new As(x => mutable.ListBuffer(x.map(as(_)): _*))

  implicit def set[S, T](implicit as: As[S, T]): As[Set[S], Set[T]] = new As(_.map(as(_)))
  implicit def mutableSet[S, T](implicit as: As[S, T]): As[Set[S], mutable.Set[T]] =
    new As(x => mutable.Set(x.toSeq.map(as(_)): _*))

  private def pairs[K, V, L, W](x: Map[K, V])(implicit key: As[K, L], value: As[V, W]): Seq[(L, W)] =
    x.toSeq.map { case (k, v) => (key(k), value(v)) }

  implicit def map[K, V, L, W](implicit key: As[K, L], value: As[V, W]): As[Map[K, V], Map[L, W]] =
    new As(x => pairs[K, V, L, W](x).toMap)
  implicit def mutableMap[K, V, L, W](implicit key: As[K, L], value: As[V, W]): As[Map[K, V], mutable.Map[L, W]] =
    new As(x => mutable.Map(pairs[K, V, L, W](x): _*))

  implicit def pair[A, B, S, T](implicit a: As[A, S], b: As[B, T]): As[(A, B), (S, T)] =
    new As(x => (a(x._1), b(x._2)))
  implicit def triple[A, B, C, S, T, U](implicit a: As[A, S], b: As[B, T], c: As[C, U]): As[(A, B, C), (S, T, U)] =
    new As(x => (a(x._1), b(x._2), c(x._3)))
  implicit def quadruple[A, B, C, D, S, T, U, V](
      implicit a: As[A, S], b: As[B, T], c: As[C, U], d: As[D, V]): As[(A, B, C, D), (S, T, U, V)] =
    new As(x => (a(x._1), b(x._2), c(x._3), d(x._4)))
}
