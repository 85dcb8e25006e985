function transpose(matrix::Vector{Vector{Int64}})::Vector{Vector{Int64}}
    isempty(matrix) && return []
    return [[row[i] for row in matrix] for i in 1:minimum(length, matrix)]
end
