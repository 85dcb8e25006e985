count_subsets <- function(numbers, target) {
  if (length(numbers) == 0) {
    return(if (target == 0) 1 else 0)
  }
  rest <- numbers[-1]
  count_subsets(rest, target) + count_subsets(rest, target - numbers[1])
}
