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

// The compiler looks at conversions only where a type does not match. It can't look for the conversion of an element, so that
// each is listed. Of several that make what is wanted, the one of the object furthest below counts.

/** Conversions of one value. */
object Numbers {
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
}

sealed trait ListBuffers {
  implicit def listBufferOf[T](x: List[T]): mutable.ListBuffer[T] = mutable.ListBuffer(x: _*)
  implicit val listBufferInt: As[List[Long], mutable.ListBuffer[Int]] = new As(_.map(Numbers.int).to[mutable.ListBuffer])
  implicit val listBufferShort: As[List[Long], mutable.ListBuffer[Short]] = new As(_.map(Numbers.short).to[mutable.ListBuffer])
  implicit val listBufferByte: As[List[Long], mutable.ListBuffer[Byte]] = new As(_.map(Numbers.byte).to[mutable.ListBuffer])
  implicit val listBufferBigInt: As[List[Long], mutable.ListBuffer[BigInt]] = new As(_.map(Numbers.bigInt).to[mutable.ListBuffer])
  implicit val listBufferFloat: As[List[Double], mutable.ListBuffer[Float]] = new As(_.map(Numbers.float).to[mutable.ListBuffer])
  implicit val listBufferChar: As[List[String], mutable.ListBuffer[Char]] = new As(_.map(Numbers.char).to[mutable.ListBuffer])
}

sealed trait Buffers extends ListBuffers {
  implicit def arrayBufferOf[T](x: List[T]): mutable.ArrayBuffer[T] = mutable.ArrayBuffer(x: _*)
  implicit val arrayBufferInt: As[List[Long], mutable.ArrayBuffer[Int]] = new As(_.map(Numbers.int).to[mutable.ArrayBuffer])
  implicit val arrayBufferShort: As[List[Long], mutable.ArrayBuffer[Short]] = new As(_.map(Numbers.short).to[mutable.ArrayBuffer])
  implicit val arrayBufferByte: As[List[Long], mutable.ArrayBuffer[Byte]] = new As(_.map(Numbers.byte).to[mutable.ArrayBuffer])
  implicit val arrayBufferBigInt: As[List[Long], mutable.ArrayBuffer[BigInt]] = new As(_.map(Numbers.bigInt).to[mutable.ArrayBuffer])
  implicit val arrayBufferFloat: As[List[Double], mutable.ArrayBuffer[Float]] = new As(_.map(Numbers.float).to[mutable.ArrayBuffer])
  implicit val arrayBufferChar: As[List[String], mutable.ArrayBuffer[Char]] = new As(_.map(Numbers.char).to[mutable.ArrayBuffer])
}

sealed trait Vectors extends Buffers {
  implicit def vectorOf[T](x: List[T]): Vector[T] = x.toVector
  implicit val vectorInt: As[List[Long], Vector[Int]] = new As(_.map(Numbers.int).toVector)
  implicit val vectorShort: As[List[Long], Vector[Short]] = new As(_.map(Numbers.short).toVector)
  implicit val vectorByte: As[List[Long], Vector[Byte]] = new As(_.map(Numbers.byte).toVector)
  implicit val vectorBigInt: As[List[Long], Vector[BigInt]] = new As(_.map(Numbers.bigInt).toVector)
  implicit val vectorFloat: As[List[Double], Vector[Float]] = new As(_.map(Numbers.float).toVector)
  implicit val vectorChar: As[List[String], Vector[Char]] = new As(_.map(Numbers.char).toVector)
}

object Conversions extends Vectors {
  implicit val int: As[Long, Int] = Numbers.int
  implicit val short: As[Long, Short] = Numbers.short
  implicit val byte: As[Long, Byte] = Numbers.byte
  implicit val integer: As[Long, Integer] = Numbers.integer
  implicit val double: As[Long, Double] = Numbers.double
  implicit val floatOfInt: As[Long, Float] = Numbers.floatOfInt
  implicit val bigInt: As[Long, BigInt] = Numbers.bigInt
  implicit val bigInteger: As[Long, java.math.BigInteger] = Numbers.bigInteger
  implicit val float: As[Double, Float] = Numbers.float
  implicit val bigDecimal: As[Double, BigDecimal] = Numbers.bigDecimal
  implicit val char: As[String, Char] = Numbers.char
  implicit val chars: As[String, Array[Char]] = Numbers.chars

  implicit def arrayOf[T: ClassTag](x: List[T]): Array[T] = x.toArray
  implicit val arrayInt: As[List[Long], Array[Int]] = new As(_.map(Numbers.int).toArray)
  implicit val arrayShort: As[List[Long], Array[Short]] = new As(_.map(Numbers.short).toArray)
  implicit val arrayByte: As[List[Long], Array[Byte]] = new As(_.map(Numbers.byte).toArray)
  implicit val arrayBigInt: As[List[Long], Array[BigInt]] = new As(_.map(Numbers.bigInt).toArray)
  implicit val arrayFloat: As[List[Double], Array[Float]] = new As(_.map(Numbers.float).toArray)
  implicit val arrayChar: As[List[String], Array[Char]] = new As(_.map(Numbers.char).toArray)
  implicit val listInt: As[List[Long], List[Int]] = new As(_.map(Numbers.int))
  implicit val listShort: As[List[Long], List[Short]] = new As(_.map(Numbers.short))
  implicit val listByte: As[List[Long], List[Byte]] = new As(_.map(Numbers.byte))
  implicit val listBigInt: As[List[Long], List[BigInt]] = new As(_.map(Numbers.bigInt))
  implicit val listFloat: As[List[Double], List[Float]] = new As(_.map(Numbers.float))
  implicit val listChar: As[List[String], List[Char]] = new As(_.map(Numbers.char))
  implicit val gridInt: As[List[List[Long]], List[List[Int]]] = new As(_.map(_.map(Numbers.int)))
  implicit val arraysInt: As[List[List[Long]], Array[Array[Int]]] = new As(_.map(_.map(Numbers.int).toArray).toArray)
  implicit val gridShort: As[List[List[Long]], List[List[Short]]] = new As(_.map(_.map(Numbers.short)))
  implicit val arraysShort: As[List[List[Long]], Array[Array[Short]]] = new As(_.map(_.map(Numbers.short).toArray).toArray)
  implicit val gridByte: As[List[List[Long]], List[List[Byte]]] = new As(_.map(_.map(Numbers.byte)))
  implicit val arraysByte: As[List[List[Long]], Array[Array[Byte]]] = new As(_.map(_.map(Numbers.byte).toArray).toArray)
  implicit val gridBigInt: As[List[List[Long]], List[List[BigInt]]] = new As(_.map(_.map(Numbers.bigInt)))
  implicit val arraysBigInt: As[List[List[Long]], Array[Array[BigInt]]] = new As(_.map(_.map(Numbers.bigInt).toArray).toArray)
  implicit val gridFloat: As[List[List[Double]], List[List[Float]]] = new As(_.map(_.map(Numbers.float)))
  implicit val arraysFloat: As[List[List[Double]], Array[Array[Float]]] = new As(_.map(_.map(Numbers.float).toArray).toArray)
  implicit val gridChar: As[List[List[String]], List[List[Char]]] = new As(_.map(_.map(Numbers.char)))
  implicit val arraysChar: As[List[List[String]], Array[Array[Char]]] = new As(_.map(_.map(Numbers.char).toArray).toArray)
  implicit def arraysOf[T: ClassTag](x: List[List[T]]): Array[Array[T]] = x.map(_.toArray).toArray

  implicit val optionInt: As[Option[Long], Option[Int]] = new As(_.map(Numbers.int))
  implicit val setInt: As[Set[Long], Set[Int]] = new As(_.map(Numbers.int))
  implicit def valuesInt[K](x: Map[K, Long]): Map[K, Int] = x.map(e => (e._1, Numbers.int(e._2)))
  implicit def listsInt[K](x: Map[K, List[Long]]): Map[K, List[Int]] = x.map(e => (e._1, e._2.map(Numbers.int)))
  implicit def keysInt[V](x: Map[Long, V]): Map[Int, V] = x.map(e => (Numbers.int(e._1), e._2))
  implicit val optionShort: As[Option[Long], Option[Short]] = new As(_.map(Numbers.short))
  implicit val setShort: As[Set[Long], Set[Short]] = new As(_.map(Numbers.short))
  implicit def valuesShort[K](x: Map[K, Long]): Map[K, Short] = x.map(e => (e._1, Numbers.short(e._2)))
  implicit def listsShort[K](x: Map[K, List[Long]]): Map[K, List[Short]] = x.map(e => (e._1, e._2.map(Numbers.short)))
  implicit def keysShort[V](x: Map[Long, V]): Map[Short, V] = x.map(e => (Numbers.short(e._1), e._2))
  implicit val optionByte: As[Option[Long], Option[Byte]] = new As(_.map(Numbers.byte))
  implicit val setByte: As[Set[Long], Set[Byte]] = new As(_.map(Numbers.byte))
  implicit def valuesByte[K](x: Map[K, Long]): Map[K, Byte] = x.map(e => (e._1, Numbers.byte(e._2)))
  implicit def listsByte[K](x: Map[K, List[Long]]): Map[K, List[Byte]] = x.map(e => (e._1, e._2.map(Numbers.byte)))
  implicit def keysByte[V](x: Map[Long, V]): Map[Byte, V] = x.map(e => (Numbers.byte(e._1), e._2))
  implicit val optionBigInt: As[Option[Long], Option[BigInt]] = new As(_.map(Numbers.bigInt))
  implicit val setBigInt: As[Set[Long], Set[BigInt]] = new As(_.map(Numbers.bigInt))
  implicit def valuesBigInt[K](x: Map[K, Long]): Map[K, BigInt] = x.map(e => (e._1, Numbers.bigInt(e._2)))
  implicit def listsBigInt[K](x: Map[K, List[Long]]): Map[K, List[BigInt]] = x.map(e => (e._1, e._2.map(Numbers.bigInt)))
  implicit def keysBigInt[V](x: Map[Long, V]): Map[BigInt, V] = x.map(e => (Numbers.bigInt(e._1), e._2))
  implicit val optionFloat: As[Option[Double], Option[Float]] = new As(_.map(Numbers.float))
  implicit val setFloat: As[Set[Double], Set[Float]] = new As(_.map(Numbers.float))
  implicit def valuesFloat[K](x: Map[K, Double]): Map[K, Float] = x.map(e => (e._1, Numbers.float(e._2)))
  implicit def listsFloat[K](x: Map[K, List[Double]]): Map[K, List[Float]] = x.map(e => (e._1, e._2.map(Numbers.float)))
  implicit def keysFloat[V](x: Map[Double, V]): Map[Float, V] = x.map(e => (Numbers.float(e._1), e._2))
  implicit val optionChar: As[Option[String], Option[Char]] = new As(_.map(Numbers.char))
  implicit val setChar: As[Set[String], Set[Char]] = new As(_.map(Numbers.char))
  implicit def valuesChar[K](x: Map[K, String]): Map[K, Char] = x.map(e => (e._1, Numbers.char(e._2)))
  implicit def listsChar[K](x: Map[K, List[String]]): Map[K, List[Char]] = x.map(e => (e._1, e._2.map(Numbers.char)))
  implicit def keysChar[V](x: Map[String, V]): Map[Char, V] = x.map(e => (Numbers.char(e._1), e._2))
  implicit val pairInt: As[(Long, Long), (Int, Int)] = new As(x => (Numbers.int(x._1), Numbers.int(x._2)))
  implicit val tripleInt: As[(Long, Long, Long), (Int, Int, Int)] =
    new As(x => (Numbers.int(x._1), Numbers.int(x._2), Numbers.int(x._3)))
  implicit val pairsInt: As[List[(Long, Long)], List[(Int, Int)]] = new As(_.map(pairInt))
  implicit def mutableSetOf[T](x: Set[T]): mutable.Set[T] = mutable.Set(x.toSeq: _*)
  implicit def mutableMapOf[K, V](x: Map[K, V]): mutable.Map[K, V] = mutable.Map(x.toSeq: _*)
}
