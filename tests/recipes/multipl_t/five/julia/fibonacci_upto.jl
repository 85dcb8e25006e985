function fibonacci_upto(limit::Int64)::Vector{Int64}
    numbers = Int64[]
    a, b = 0, 1
    while a <= limit
        push!(numbers, a)
        a, b = b, a + b
    end
    return numbers
end
