min_max <- function(xs) {
  if (length(xs) == 0) {
    return(NULL)
  }
  range(xs)
}
