function gcd_all(numbers::Vector{Int64})::Int64
    return isempty(numbers) ? 1 : gcd(numbers)
end
