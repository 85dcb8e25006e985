fun mean_or_none(values: List<Double>): Double? {
    return if (values.isEmpty()) null else values.sum() / values.size
}
