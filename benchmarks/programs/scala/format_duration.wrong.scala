object Problem {
    def format_duration(seconds: Long): String = {
        val sign = if (seconds < 0L) "-" else ""
        val total = math.abs(seconds)
        val (hours, minutes, rest) = (total / 3600L, total / 60L % 60L, total % 60L)
        if (hours > 0L) f"$sign$hours:$minutes%d:$rest%02d" else f"$sign$minutes:$rest%02d"
    }
}
