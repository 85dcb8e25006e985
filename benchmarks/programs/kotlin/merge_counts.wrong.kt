fun merge_counts(first: Map<String, Long>, second: Map<String, Long>): Map<String, Long> {
    val merged = HashMap(first)
    for ((key, count) in second) {
        merged[key] = count
    }
    return merged.filterValues { it != 0L }
}
