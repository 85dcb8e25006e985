function min_max(xs::Vector{Int64})::Union{Tuple{Int64, Int64}, Nothing}
    return isempty(xs) ? nothing : (xs[1], maximum(xs))
end
