object Problem {
    def digit_sum(n: Long): Long = {
        val total = math.abs(n).toString.map(_.asDigit.toLong).sum
        if (total < 10L) total else digit_sum(total)
    }
}
