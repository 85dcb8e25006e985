group_by_length <- function(words) {
  split(words, nchar(words))
}
