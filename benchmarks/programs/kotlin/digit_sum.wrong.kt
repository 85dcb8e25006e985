fun digit_sum(n: Long): Long {
    var rest = Math.abs(n)
    if (rest > 9L) {
        rest = rest.toString().map { (it - '0').toLong() }.sum()
    }
    return rest
}
