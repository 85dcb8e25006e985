count_words <- function(text) {
  words <- strsplit(text, " ", fixed = TRUE)[[1]]
  counts <- list()
  for (word in words[words != ""]) {
    counts[[word]] <- (if (is.null(counts[[word]])) 0 else counts[[word]]) + 1
  }
  counts
}
