transpose <- function(matrix) {
  if (length(matrix) == 0) {
    return(list())
  }
  lapply(seq_len(max(lengths(matrix))), function(i) sapply(matrix, function(row) row[i]))
}
