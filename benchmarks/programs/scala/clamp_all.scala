object Problem {
    def clamp_all(xs: List[Long], low: Long, high: Long): List[Long] = {
        xs.map(x => math.max(low, math.min(high, x)))
    }
}
