object Problem {
    def to_binary(n: Long): String = {
        n.toBinaryString
    }
}
