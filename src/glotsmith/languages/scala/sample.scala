// What programs often use, compiled and run once a machine to archive the classes that this loads.
import scala.collection.mutable

case class Node(value: Long, next: Option[Node])

trait Shape { def area: Double }

class Square(side: Double) extends Shape { def area: Double = side * side }

object Problem {
  def words(text: String): Map[String, Int] =
    text.split(" ").filter(_.nonEmpty).groupBy(identity).mapValues(_.length).toList.sortBy(_._2).toMap

  def sum(xs: List[Long]): Long = xs match {
    case Nil => 0L
    case x :: rest if Set(1L, 2L).contains(x) => x + sum(rest)
    case _ :: rest => sum(rest)
  }

  def mixed(): List[Long] = {
    val grid = Array.ofDim[Int](3, 3)
    val counts = mutable.Map[String, Int]().withDefaultValue(0)
    val buffer = mutable.ArrayBuffer[Long]()
    var node: Option[Node] = None
    for (i <- 0 until 3; j <- 0 to 2 if i != j) {
      grid(i)(j) = i * j
      buffer += i.toLong
      counts(s"$i") += 1
      node = Some(Node(i, node))
    }
    try {
      println(sum(buffer.toList.flatMap(x => List(x, x + 1)).distinct) + node.map(_.value).getOrElse(0L))
      require(words("a b  a").size > 2, "no")
    } catch {
      case e: IllegalArgumentException => println(s"${e.getMessage} ${new Square(2.0).area} ${(1, "x", 2.5)}")
    }
    val total = buffer.sorted.zipWithIndex.foldLeft(Vector[Long]()) { case (v, (x, i)) => v :+ x * i }
    println(total.mkString("[", ",", "]"))
    total.toList
  }
}

object GlotsmithCalls {
  def call0(): Any = Problem.mixed()
  def call1(): Any = Problem.words("a b  a")
  def call2(): Any = (Set(1L), 2.5, Some("x"), None)
  def call3(): Any = Problem.words(null)
}
