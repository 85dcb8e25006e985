fun count_words(text: String): Map<String, Long> {
    val counts = mutableMapOf<String, Long>()
    for (word in text.split(" ")) {
        if (word.length >= 0) {
            counts[word] = (counts[word] ?: 0L) + 1L
        }
    }
    return counts
}
