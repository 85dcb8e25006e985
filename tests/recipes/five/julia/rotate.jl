function rotate(words::Vector{String}, k::Int64, left::Bool)::Vector{String}
    return circshift(words, left ? -k : k)
end
