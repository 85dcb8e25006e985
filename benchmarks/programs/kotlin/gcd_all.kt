fun gcd_all(numbers: List<Long>): Long {
    tailrec fun gcd(a: Long, b: Long): Long = if (b == 0L) a else gcd(b, a % b)
    return numbers.fold(0L) { divisor, number -> gcd(divisor, Math.abs(number)) }
}
