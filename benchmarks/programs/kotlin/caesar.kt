fun caesar(text: String, shift: Long): String {
    fun move(c: Char, base: Char): Char = base + Math.floorMod((c - base) + shift, 26L).toInt()
    return text.map { c ->
        when (c) {
            in 'a'..'z' -> move(c, 'a')
            in 'A'..'Z' -> move(c, 'A')
            else -> c
        }
    }.joinToString("")
}
