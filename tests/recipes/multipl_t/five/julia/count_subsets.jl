function count_subsets(numbers::Vector{Int64}, target::Int64)::Int64
    isempty(numbers) && return target == 0 ? 1 : 0
    rest = numbers[2:end]
    return count_subsets(rest, target) + count_subsets(rest, target - numbers[1])
end
