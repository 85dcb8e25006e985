function digit_sum(n::Int64)::Int64
    n = max(n, 0)
    return n < 10 ? n : digit_sum(sum(digits(n)))
end
