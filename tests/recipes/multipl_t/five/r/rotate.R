rotate <- function(words, k, left) {
  n <- length(words)
  if (n == 0) {
    return(words)
  }
  start <- (if (left) k else -k) %% n
  words[(seq_len(n) - 1 + start) %% n + 1]
}
