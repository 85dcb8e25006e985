function clamp_all(xs::Vector{Int64}, low::Int64, high::Int64)::Vector{Int64}
    return [x < low ? low : x > high ? high : x for x in xs]
end
