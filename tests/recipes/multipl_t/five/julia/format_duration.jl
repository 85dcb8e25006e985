function format_duration(seconds::Int64)::String
    sign = seconds < 0 ? "-" : ""
    minutes, rest = divrem(abs(seconds), 60)
    hours, minutes = divrem(minutes, 60)
    two(n) = lpad(n, 2, '0')
    return hours > 0 ? "$sign$hours:$(two(minutes)):$(two(rest))" : "$sign$minutes:$(two(rest))"
end
