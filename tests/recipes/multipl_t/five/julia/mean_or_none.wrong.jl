function mean_or_none(values::Vector{Float64})::Union{Float64, Nothing}
    isempty(values) && return nothing
    return sum(values) / (length(values) + 1)
end
