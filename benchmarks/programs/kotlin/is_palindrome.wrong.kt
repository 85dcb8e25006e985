fun is_palindrome(text: String): Boolean {
    val letters = text.filter { it in 'a'..'z' || it in 'A'..'Z' }
    return letters == letters.reversed()
}
