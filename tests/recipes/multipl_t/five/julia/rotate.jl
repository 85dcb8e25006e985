function rotate(words::Vector{String}, k::Int64, left::Bool)::Vector{String}
    isempty(words) && return words
    return circshift(words, left ? -k : k)
end
