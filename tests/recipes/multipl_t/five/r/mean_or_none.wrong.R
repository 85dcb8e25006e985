mean_or_none <- function(values) {
  if (length(values) == 0) {
    return(NULL)
  }
  sum(values) / 2
}
