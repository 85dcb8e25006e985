object Problem {
    def gcd_all(numbers: List[Long]): Long = {
        def gcd(a: Long, b: Long): Long = if (b == 0L) a else gcd(b, a % b)
        numbers.foldLeft(0L)((divisor, number) => gcd(divisor, math.abs(number)))
    }
}
