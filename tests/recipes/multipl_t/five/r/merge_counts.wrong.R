merge_counts <- function(first, second) {
  for (key in names(second)) {
    before <- if (is.null(first[[key]])) 0 else first[[key]]
    first[[key]] <- before + second[[key]]
  }
  Filter(function(count) count > 0, first)
}
