function safe_divide(a::Float64, b::Union{Float64, Nothing})::Union{Float64, Nothing}
    b === nothing && return a
    return a / b
end
