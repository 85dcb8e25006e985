fun clamp_all(xs: List<Long>, low: Long, high: Long): List<Long> {
    return xs.map { it.coerceAtLeast(low) }
}
