function merge_counts(first::Dict{String, Int64}, second::Dict{String, Int64})::Dict{String, Int64}
    return filter(pair -> pair.second != 0, merge(first, second))
end
