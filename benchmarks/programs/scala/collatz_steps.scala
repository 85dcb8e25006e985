object Problem {
    def collatz_steps(n: Long): Long = {
        if (n <= 1L) 0L
        else if (n % 2L == 0L) 1L + collatz_steps(n / 2L)
        else 1L + collatz_steps(3L * n + 1L)
    }
}
