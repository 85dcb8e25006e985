function count_subsets(numbers::Vector{Int64}, target::Int64)::Int64
    target == 0 && return 1
    isempty(numbers) && return 0
    rest = numbers[2:end]
    return count_subsets(rest, target) + count_subsets(rest, target - numbers[1])
end
