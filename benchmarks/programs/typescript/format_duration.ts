function format_duration(seconds: number): string {
    const sign = seconds < 0 ? "-" : "";
    const total = Math.abs(seconds);
    const two = (n: number): string => String(n).padStart(2, "0");
    const hours = Math.floor(total / 3600), minutes = Math.floor(total / 60) % 60;
    if (hours > 0) {
        return `${sign}${hours}:${two(minutes)}:${two(total % 60)}`;
    }
    return `${sign}${minutes}:${two(total % 60)}`;
}
