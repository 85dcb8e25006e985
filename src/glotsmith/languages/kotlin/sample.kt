// What programs often use, compiled and run once a machine to archive the classes that this loads.
@file:JvmName("GlotsmithCalls")
data class Node(val value: Long, val next: Node?)

interface Shape {
    fun area(): Double
}

class Square(private val side: Double) : Shape {
    override fun area() = side * side
}

fun words(text: String): Map<String, Int> {
    val counts = HashMap<String, Int>()
    for (word in text.split(" ").filter { it.isNotEmpty() }.map { it.trim() }) {
        counts[word] = (counts[word] ?: 0) + 1
    }
    return counts.toList().sortedBy { (word, count) -> "$count $word" }.toMap()
}

fun sum(xs: List<Long>, from: Int = 0): Long = when {
    from >= xs.size -> 0L
    xs[from] in setOf(1L, 2L) -> xs[from] + sum(xs, from + 1)
    else -> sum(xs, from + 1)
}

fun lists(): Any? {
    val grid = Array(3) { IntArray(3) }
    var node: Node? = null
    for (i in 0 until 3) {
        for (j in 2 downTo 0 step 2) {
            grid[i][j] = i * j
        }
        node = Node(i.toLong(), node)
    }
    val lists = mutableListOf(listOf(1L, 2L), arrayListOf(3L)).flatMap { it.reversed() }
    try {
        println(sum(lists) + (node?.value ?: 0L) + lists.joinToString(",", "[", "]").length)
        require(words("a b  a").size > 2) { "no" }
    } catch (e: IllegalArgumentException) {
        println("${e.message} ${Square(2.0).area()} ${Pair(1, "x")} ${Triple(1, 2L, 3.0)}")
    }
    println(StringBuilder().append('a').append(lists.sorted().zip(listOf("x")).toString()).reversed())
    return lists.sorted()
}

class CandidateKt {
    companion object {
        @JvmStatic
        fun f(which: Long, items: List<Int>, map: Map<String, Number>): Any? = when (which) {
            0L -> lists()
            1L -> words("a b  a")
            2L -> Triple(2.5, setOf("x"), map)
            else -> items.first { it > 2 }
        }
    }
}

fun glotsmithCall0() = arrayOf<Any?>(0L, arrayListOf(1L, 2L), hashMapOf("a" to 1L))

fun glotsmithCall1() = arrayOf<Any?>(1L, arrayListOf(1L, 2L), hashMapOf("a" to 1L))

fun glotsmithCall2() = arrayOf<Any?>(2L, arrayListOf(1L, 2L), hashMapOf("a" to 1L))

fun glotsmithCall3() = arrayOf<Any?>(3L, arrayListOf(1L, 2L), hashMapOf("a" to 1L))
