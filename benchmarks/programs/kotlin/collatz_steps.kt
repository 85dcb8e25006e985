fun collatz_steps(n: Long): Long {
    var current = n
    var steps = 0L
    while (current > 1L) {
        current = if (current % 2L == 0L) current / 2L else 3L * current + 1L
        steps++
    }
    return steps
}
