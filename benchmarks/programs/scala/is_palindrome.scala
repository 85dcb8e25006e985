object Problem {
    def is_palindrome(text: String): Boolean = {
        val letters = text.filter(c => c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z').toLowerCase
        letters == letters.reverse
    }
}
