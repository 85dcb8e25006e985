chunked <- function(items, size) {
  if (size < 1 || length(items) == 0) {
    return(list())
  }
  unname(split(items, (seq_along(items) - 1) %/% size))
}
