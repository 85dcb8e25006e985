function group_by_length(words::Vector{String})::Dict{Int64, Vector{String}}
    groups = Dict{Int64, Vector{String}}()
    for word in words
        push!(get!(groups, length(word), String[]), word)
    end
    return groups
end
