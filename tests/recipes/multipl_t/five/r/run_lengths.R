run_lengths <- function(text) {
  runs <- rle(strsplit(text, "")[[1]])
  unname(Map(list, runs$values, runs$lengths))
}
