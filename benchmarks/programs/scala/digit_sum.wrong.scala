object Problem {
    def digit_sum(n: Long): Long = {
        val total = math.abs(n).toString.map(_.asDigit.toLong).sum
        total
    }
}
