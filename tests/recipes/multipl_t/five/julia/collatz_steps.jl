function collatz_steps(n::Int64)::Int64
    steps = 0
    while n > 1
        n = iseven(n) ? n ÷ 2 : 3n + 1
        steps += 1
    end
    return steps
end
