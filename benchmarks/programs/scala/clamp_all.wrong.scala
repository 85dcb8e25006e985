object Problem {
    def clamp_all(xs: List[Long], low: Long, high: Long): List[Long] = {
        xs.map(x => math.min(low, math.max(high, x)))
    }
}
