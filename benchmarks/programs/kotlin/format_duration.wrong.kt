fun format_duration(seconds: Long): String {
    val sign = if (seconds < 0L) "-" else ""
    val total = Math.abs(seconds)
    val minutes = total / 60L % 60L
    val rest = (total % 60L).toString().padStart(2, '0')
    if (total >= 3600L) {
        return "$sign${total / 3600L}:${minutes.toString()}:$rest"
    }
    return "$sign$minutes:$rest"
}
