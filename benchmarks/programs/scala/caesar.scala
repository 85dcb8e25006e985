object Problem {
    def caesar(text: String, shift: Long): String = {
        def move(c: Char, base: Char): Char = (base + Math.floorMod(c - base + shift, 26L)).toChar
        text.map {
            case c if c >= 'a' && c <= 'z' => move(c, 'a')
            case c if c >= 'A' && c <= 'Z' => move(c, 'A')
            case c => c
        }
    }
}
