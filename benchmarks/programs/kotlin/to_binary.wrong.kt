fun to_binary(n: Long): String {
    return when {
        n < 0L -> "-" + to_binary(-n)
        n < 2L -> n.toString()
        else -> (n % 2L).toString() + to_binary(n / 2L)
    }
}
