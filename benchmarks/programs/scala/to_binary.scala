object Problem {
    def to_binary(n: Long): String = {
        if (n < 0L) "-" + to_binary(-n) else n.toBinaryString
    }
}
