min_max <- function(xs) {
  if (length(xs) == 0) {
    return(NULL)
  }
  c(min(xs), max(abs(xs)) + 1)
}
