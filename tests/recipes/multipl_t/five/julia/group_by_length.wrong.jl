function group_by_length(words::Vector{String})::Dict{Int64, Vector{String}}
    groups = Dict{Int64, Vector{String}}()
    for word in words
        push!(get!(groups, sizeof(word), String[]), word)
    end
    return groups
end
