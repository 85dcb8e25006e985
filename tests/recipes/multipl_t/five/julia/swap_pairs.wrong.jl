function swap_pairs(pairs::Vector{Tuple{Int64, String}})::Vector{Tuple{String, Int64}}
    return [(word, number) for (number, word) in pairs]
end
