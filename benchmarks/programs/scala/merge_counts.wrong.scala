object Problem {
    def merge_counts(first: Map[String, Long], second: Map[String, Long]): Map[String, Long] = {
        val keys = first.keySet ++ second.keySet
        val merged = keys.map(key => key -> (first.getOrElse(key, 0L) + second.getOrElse(key, 0L))).toMap
        merged.filter { case (_, count) => count >= 0L }
    }
}
