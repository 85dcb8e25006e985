group_by_length <- function(words) {
  groups <- list()
  for (word in words) {
    key <- as.character(nchar(word, "bytes"))
    groups[[key]] <- c(groups[[key]], word)
  }
  groups
}
