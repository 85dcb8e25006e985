swap_pairs <- function(pairs) {
  kept <- Filter(function(pair) pair[[1]] >= 0, pairs)
  lapply(kept, function(pair) list(pair[[2]], pair[[1]]))
}
