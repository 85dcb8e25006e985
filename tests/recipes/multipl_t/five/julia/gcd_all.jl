function gcd_all(numbers::Vector{Int64})::Int64
    return reduce(gcd, numbers; init = 0)
end
