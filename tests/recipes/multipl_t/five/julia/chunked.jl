function chunked(items::Vector{String}, size::Int64)::Vector{Vector{String}}
    size < 1 && return []
    return [items[i:min(i + size - 1, end)] for i in 1:size:length(items)]
end
