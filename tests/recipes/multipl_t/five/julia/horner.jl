function horner(coefficients::Vector{Float64}, x::Float64)::Float64
    return foldl((value, coefficient) -> value * x + coefficient, coefficients; init = 0.0)
end
