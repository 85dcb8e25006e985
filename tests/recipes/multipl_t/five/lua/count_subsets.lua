local function count_subsets(numbers, target, from)
  from = from or 1
  if from > #numbers then
    return target == 0 and 1 or 0
  end
  return count_subsets(numbers, target, from + 1) + count_subsets(numbers, target - numbers[from], from + 1)
end
