fun mean_or_none(values: List<Double>): Double? {
    return values.sum() / values.size
}
