function digit_sum(n::Int64)::Int64
    n = abs(n)
    return n < 10 ? n : digit_sum(sum(digits(n)))
end
