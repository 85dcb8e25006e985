object Problem {
    def count_words(text: String): Map[String, Long] = {
        text.split(" ").filter(_.nonEmpty).groupBy(identity).map { case (word, all) => (word, all.length.toLong) }
    }
}
